import type { OpenedAccount } from './provider-account.ts';
import type { CardSummary, CredentialResult } from './provider.ts';

/** A request whose card fields the vault fills in; neither adapter nor core ever holds a card number. */
export type CardTemplate = {
  method: 'POST' | 'PUT';
  /** From adapter code only, never from a request of a caller. */
  url: string;
  headers: Readonly<Record<string, string>>;
  /** The target's own body with the vault's placeholders in it. */
  body: string;
};

/** What came back through the vault. */
export type CardReply =
  | { kind: 'reply'; status: number; headers: Readonly<Record<string, string>>; body: string }
  /** The vault itself refused before anything left it: the token is gone, or our vault credentials are. */
  | { kind: 'refused'; why: 'token_unknown' | 'credentials' | 'request'; detail: string }
  /** Nothing was heard, or nothing readable: the target may have acted. */
  | { kind: 'lost'; detail: string; surelyNotSent: boolean };

export type CaptureSession = {
  sessionToken: string;
  iframeUrl: string;
  iframeOrigin: string;
  expiresAt: Date;
};

/** A card vault as one merchant's account sees it. Two implementations are foreseen: Vaultera and our own. */
export type CardVault = {
  name: string;
  createSession(): Promise<CaptureSession>;
  /** Fills the template's placeholders and sends it to the target. */
  send(cardToken: string, template: CardTemplate): Promise<CardReply>;
  /** Masked card; undefined when the vault does not know the token. */
  describe(cardToken: string): Promise<(CardSummary & { first6: string }) | undefined>;
  /** Deletes the security code, once the card was authorised. True when it is surely gone. */
  wipeServiceCode(cardToken: string): Promise<boolean>;
};

export type VaultClient = {
  open(account: OpenedAccount): CardVault;
  checkCredentials(
    mode: 'test' | 'live',
    credentials: ReadonlyMap<string, string>,
  ): Promise<CredentialResult>;
  close(): Promise<void>;
};

export type CardVaults = { open(account: OpenedAccount): CardVault };

/** Opens an account at whichever vault it belongs to. */
export function createCardVaults(clients: Readonly<Record<string, VaultClient>>): CardVaults {
  return {
    open(account) {
      const client = clients[account.provider];
      if (client === undefined) throw new Error(`${account.provider} is not a card vault`);
      return client.open(account);
    },
  };
}

/** Hosts and paths a template may go to; checked at the last moment, whoever built the template. */
export function assertAllowedTarget(
  template: CardTemplate,
  allowed: readonly { method: string; url: string }[],
): void {
  if (!allowed.some((target) => target.method === template.method && target.url === template.url))
    throw new Error('a card template names a destination that is not on the allow-list');
}
