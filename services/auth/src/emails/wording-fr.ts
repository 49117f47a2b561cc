import type { Language } from './wording.ts';

// Before : ; ? ! and inside « » stands a space that does not break.
export const FRENCH: Language = {
  dir: 'ltr',
  greeting: 'Bonjour {name},',
  greetingWithoutName: 'Bonjour,',
  buttonHint: 'Si le bouton ne fonctionne pas, copiez cette adresse dans votre navigateur\u00a0:',
  closing: [
    'Centra Payments',
    'Ce message a été envoyé automatiquement. Nous ne demandons jamais votre mot de passe par e-mail.',
  ],
  roles: {
    owner: 'Propriétaire',
    admin: 'Administrateur',
    manager: 'Responsable',
    staff: 'Personnel',
  },
  unnamed: {
    hotel: 'un hôtel',
    inviter: 'Une personne qui y travaille',
    role: 'un rôle propre à l’hôtel',
  },
  mails: {
    verify_email: {
      subject: 'Confirmez votre adresse e-mail',
      before: [
        'Veuillez confirmer que cette adresse e-mail est bien la vôtre. Vous pourrez ensuite vous connecter à Centra Payments.',
      ],
      button: 'Confirmer l’adresse e-mail',
      after: [
        'Le lien ne fonctionne qu’une fois et reste valable 24 heures.',
        'Si vous ne venez pas de vous inscrire, n’ouvrez pas le lien. Sans lui, le compte ne peut pas être utilisé.',
      ],
    },
    account_exists: {
      subject: 'Vous avez déjà un compte',
      before: [
        'Quelqu’un, probablement vous, a voulu s’inscrire avec cette adresse e-mail. Elle est déjà associée à un compte\u00a0: rien n’a donc été modifié.',
        'Vous pouvez vous connecter comme d’habitude\u00a0: {dashboard}',
        'Si vous ne vous souvenez plus de votre mot de passe, choisissez-en un nouveau\u00a0:',
      ],
      button: 'Choisir un nouveau mot de passe',
      after: [
        'Le lien ne fonctionne qu’une fois et reste valable 1 heure.',
        'Si ce n’était pas vous, vous n’avez rien à faire.',
      ],
    },
    reset_password: {
      subject: 'Choisissez un nouveau mot de passe',
      before: ['Nous avons reçu une demande de nouveau mot de passe pour votre compte.'],
      button: 'Choisir un nouveau mot de passe',
      after: [
        'Le lien ne fonctionne qu’une fois et reste valable 1 heure.',
        'Si vous n’avez rien demandé, ignorez ce message. Votre mot de passe reste inchangé.',
      ],
    },
    password_changed: {
      subject: 'Votre mot de passe a été modifié',
      before: [
        'Le mot de passe de votre compte vient d’être modifié. Les autres appareils ont été déconnectés.',
      ],
      after: [
        'Si c’était vous, vous n’avez rien à faire.',
        'Sinon, choisissez immédiatement un nouveau mot de passe avec «\u00a0Mot de passe oublié\u00a0» sur la page de connexion et prévenez la personne qui gère les accès de votre hôtel\u00a0: {dashboard}',
      ],
    },
    account_locked: {
      subject: 'Votre compte est bloqué pendant 30 minutes',
      before: [
        'Un mot de passe ou un code erroné a été saisi plusieurs fois de suite. Pour protéger votre compte, personne ne peut s’y connecter pendant 30 minutes.',
      ],
      after: [
        'Si c’était vous, patientez ou choisissez un nouveau mot de passe avec «\u00a0Mot de passe oublié\u00a0» sur la page de connexion, ce qui lève aussi le blocage\u00a0: {dashboard}',
        'Sinon, quelqu’un essaie peut-être de deviner votre mot de passe. Un second facteur vous protège même s’il y parvient.',
      ],
    },
    factor_added: {
      subject: 'Un second facteur a été ajouté à votre compte',
      before: [
        'Un second facteur vient d’être ajouté à votre compte. Son code vous sera désormais demandé à chaque connexion.',
      ],
      after: [
        'Si c’était vous, il n’y a rien d’autre à faire. Conservez vos codes de secours en lieu sûr.',
        'Sinon, choisissez immédiatement un nouveau mot de passe avec «\u00a0Mot de passe oublié\u00a0» sur la page de connexion et prévenez la personne qui gère les accès de votre hôtel\u00a0: {dashboard}',
      ],
    },
    factor_removed: {
      subject: 'Un second facteur a été retiré de votre compte',
      before: ['Un second facteur vient d’être retiré de votre compte. Ses codes ne fonctionnent plus.'],
      after: [
        'Si c’était vous, vous n’avez rien à faire.',
        'Sinon, choisissez immédiatement un nouveau mot de passe avec «\u00a0Mot de passe oublié\u00a0» sur la page de connexion et prévenez la personne qui gère les accès de votre hôtel\u00a0: {dashboard}',
      ],
    },
    sessions_ended: {
      subject: 'Vous avez été déconnecté par sécurité',
      before: [
        'Nous avons constaté que l’une de vos connexions était utilisée depuis deux endroits, ce qui peut arriver lorsqu’elle a été copiée. Nous y avons donc mis fin.',
      ],
      after: [
        'Veuillez vous reconnecter\u00a0: {dashboard}',
        'Si vous remarquez une opération que vous n’avez pas faite, changez votre mot de passe et prévenez la personne qui gère les accès de votre hôtel.',
      ],
    },
    invitation: {
      subject: 'Vous êtes invité à travailler avec Centra Payments',
      before: [
        '{inviter} vous invite à gérer avec Centra Payments les paiements de l’établissement suivant\u00a0: {hotel}.',
        'Votre rôle\u00a0: {role}.',
      ],
      button: 'Ouvrir l’invitation',
      after: [
        'Le lien ne fonctionne qu’une fois, reste valable 7 jours et n’est destiné qu’à cette adresse e-mail.',
        'Si vous ne savez pas qui vous invite, ignorez ce message. Sans le lien, il ne se passe rien.',
      ],
    },
  },
};
