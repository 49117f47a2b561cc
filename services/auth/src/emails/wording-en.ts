import type { Language } from './wording.ts';

export const ENGLISH: Language = {
  dir: 'ltr',
  greeting: 'Hello {name},',
  greetingWithoutName: 'Hello,',
  buttonHint: 'If the button does not work, copy this address into your browser:',
  closing: [
    'Centra Payments',
    'This message was sent automatically. We never ask for your password by e-mail.',
  ],
  roles: { owner: 'Owner', admin: 'Admin', manager: 'Manager', staff: 'Staff' },
  unnamed: { hotel: 'a hotel', inviter: 'Somebody who works there', role: 'a role of the hotel’s own' },
  mails: {
    verify_email: {
      subject: 'Confirm your e-mail address',
      before: ['Please confirm that this e-mail address is yours. Then you can log in to Centra Payments.'],
      button: 'Confirm e-mail address',
      after: [
        'The link works once, within 24 hours.',
        'If you did not just sign up yourself, do not open the link. The account cannot be used without it.',
      ],
    },
    account_exists: {
      subject: 'You already have an account',
      before: [
        'Someone, probably you, tried to sign up with this e-mail address. It already belongs to an account, so nothing has changed.',
        'You can log in as usual: {dashboard}',
        'If you no longer know your password, choose a new one:',
      ],
      button: 'Choose a new password',
      after: ['The link works once, within 1 hour.', 'If this was not you, there is nothing you need to do.'],
    },
    reset_password: {
      subject: 'Choose a new password',
      before: ['We received a request for a new password for your account.'],
      button: 'Choose a new password',
      after: [
        'The link works once, within 1 hour.',
        'If you did not ask for this, ignore this message. Your password stays as it is.',
      ],
    },
    password_changed: {
      subject: 'Your password was changed',
      before: ['The password of your account was just changed. Other devices have been logged out.'],
      after: [
        'If this was you, there is nothing you need to do.',
        'If it was not, choose a new password right away with “Forgot password” on the log-in page, and tell whoever manages access at your hotel: {dashboard}',
      ],
    },
    account_locked: {
      subject: 'Your account is locked for 30 minutes',
      before: [
        'A wrong password or code was entered several times in a row. To protect your account, nobody can log in to it for 30 minutes.',
      ],
      after: [
        'If this was you, wait, or choose a new password with “Forgot password” on the log-in page. That also lifts the lock: {dashboard}',
        'If it was not, someone may be trying to guess your password. A second factor protects you even if they succeed.',
      ],
    },
    factor_added: {
      subject: 'A second factor was added to your account',
      before: [
        'A second factor was just added to your account. From now on you will be asked for its code when you log in.',
      ],
      after: [
        'If this was you, there is nothing more to do. Keep your recovery codes in a safe place.',
        'If it was not, choose a new password right away with “Forgot password” on the log-in page, and tell whoever manages access at your hotel: {dashboard}',
      ],
    },
    factor_removed: {
      subject: 'A second factor was removed from your account',
      before: ['A second factor was just removed from your account. Its codes no longer work.'],
      after: [
        'If this was you, there is nothing you need to do.',
        'If it was not, choose a new password right away with “Forgot password” on the log-in page, and tell whoever manages access at your hotel: {dashboard}',
      ],
    },
    sessions_ended: {
      subject: 'You were logged out for your safety',
      before: [
        'We noticed that one of your log-ins was used from two places, which can happen when it was copied. We have therefore ended it.',
      ],
      after: [
        'Please log in again: {dashboard}',
        'If you notice anything you did not do, change your password and tell whoever manages access at your hotel.',
      ],
    },
    invitation: {
      subject: 'You are invited to work with Centra Payments',
      before: [
        '{inviter} invites you to work on the payments of {hotel} with Centra Payments.',
        'Your role there: {role}.',
      ],
      button: 'Open the invitation',
      after: [
        'The link works once, within 7 days, and only for this e-mail address.',
        'If you do not know who is inviting you, ignore this message. Without the link nothing happens.',
      ],
    },
  },
};
