import type { Language } from './wording.ts';

export const SPANISH: Language = {
  dir: 'ltr',
  greeting: 'Hola, {name}:',
  greetingWithoutName: 'Hola:',
  buttonHint: 'Si el botón no funciona, copie esta dirección en su navegador:',
  closing: [
    'Centra Payments',
    'Este mensaje se ha enviado automáticamente. Nunca le pediremos su contraseña por correo electrónico.',
  ],
  roles: {
    owner: 'Propietario',
    admin: 'Administrador',
    manager: 'Responsable',
    staff: 'Personal',
  },
  unnamed: {
    hotel: 'un hotel',
    inviter: 'Una persona que trabaja allí',
    role: 'una función propia del hotel',
  },
  mails: {
    verify_email: {
      subject: 'Confirme su dirección de correo electrónico',
      before: [
        'Confirme que esta dirección de correo electrónico es suya. Después podrá iniciar sesión en Centra Payments.',
      ],
      button: 'Confirmar la dirección',
      after: [
        'El enlace funciona una sola vez, durante 24 horas.',
        'Si no acaba de registrarse usted, no abra el enlace. Sin él, la cuenta no se puede utilizar.',
      ],
    },
    account_exists: {
      subject: 'Ya tiene una cuenta',
      before: [
        'Alguien, probablemente usted, ha intentado registrarse con esta dirección de correo electrónico. Ya pertenece a una cuenta, así que no se ha cambiado nada.',
        'Puede iniciar sesión como siempre: {dashboard}',
        'Si no recuerda su contraseña, elija una nueva:',
      ],
      button: 'Elegir una contraseña nueva',
      after: [
        'El enlace funciona una sola vez, durante 1 hora.',
        'Si no ha sido usted, no tiene que hacer nada.',
      ],
    },
    reset_password: {
      subject: 'Elija una contraseña nueva',
      before: ['Hemos recibido una solicitud de contraseña nueva para su cuenta.'],
      button: 'Elegir una contraseña nueva',
      after: [
        'El enlace funciona una sola vez, durante 1 hora.',
        'Si no lo ha solicitado, ignore este mensaje. Su contraseña seguirá siendo la misma.',
      ],
    },
    password_changed: {
      subject: 'Se ha cambiado su contraseña',
      before: [
        'Se acaba de cambiar la contraseña de su cuenta. Se ha cerrado la sesión en los demás dispositivos.',
      ],
      after: [
        'Si ha sido usted, no tiene que hacer nada.',
        'Si no, elija de inmediato una contraseña nueva con «He olvidado mi contraseña» en la página de inicio de sesión y avise a quien gestiona los accesos de su hotel: {dashboard}',
      ],
    },
    account_locked: {
      subject: 'Su cuenta está bloqueada durante 30 minutos',
      before: [
        'Se ha introducido varias veces seguidas una contraseña o un código incorrectos. Para proteger su cuenta, nadie puede iniciar sesión en ella durante 30 minutos.',
      ],
      after: [
        'Si ha sido usted, espere o elija una contraseña nueva con «He olvidado mi contraseña» en la página de inicio de sesión; eso también levanta el bloqueo: {dashboard}',
        'Si no, puede que alguien esté intentando adivinar su contraseña. Un segundo factor le protege aunque lo consiga.',
      ],
    },
    factor_added: {
      subject: 'Se ha añadido un segundo factor a su cuenta',
      before: [
        'Se acaba de añadir un segundo factor a su cuenta. A partir de ahora se le pedirá su código al iniciar sesión.',
      ],
      after: [
        'Si ha sido usted, no tiene que hacer nada más. Guarde sus códigos de recuperación en un lugar seguro.',
        'Si no, elija de inmediato una contraseña nueva con «He olvidado mi contraseña» en la página de inicio de sesión y avise a quien gestiona los accesos de su hotel: {dashboard}',
      ],
    },
    factor_removed: {
      subject: 'Se ha eliminado un segundo factor de su cuenta',
      before: ['Se acaba de eliminar un segundo factor de su cuenta. Sus códigos ya no funcionan.'],
      after: [
        'Si ha sido usted, no tiene que hacer nada.',
        'Si no, elija de inmediato una contraseña nueva con «He olvidado mi contraseña» en la página de inicio de sesión y avise a quien gestiona los accesos de su hotel: {dashboard}',
      ],
    },
    sessions_ended: {
      subject: 'Hemos cerrado su sesión por seguridad',
      before: [
        'Hemos observado que una de sus sesiones se estaba utilizando desde dos lugares, lo que puede ocurrir cuando ha sido copiada. Por eso la hemos cerrado.',
      ],
      after: [
        'Inicie sesión de nuevo: {dashboard}',
        'Si observa algo que no ha hecho usted, cambie su contraseña y avise a quien gestiona los accesos de su hotel.',
      ],
    },
    invitation: {
      subject: 'Le han invitado a trabajar con Centra Payments',
      before: [
        '{inviter} le invita a gestionar con Centra Payments los pagos de este establecimiento: {hotel}.',
        'Su función allí: {role}.',
      ],
      button: 'Abrir la invitación',
      after: [
        'El enlace funciona una sola vez, durante 7 días, y solo para esta dirección de correo electrónico.',
        'Si no sabe quién le invita, ignore este mensaje. Sin el enlace no ocurre nada.',
      ],
    },
  },
};
