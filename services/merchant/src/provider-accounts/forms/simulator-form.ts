import type { Provider } from '../provider-form.ts';

export const SIMULATOR = {
  name: 'simulator',
  label: 'Simulator',
  help: 'Pretends to be a bank, for development and training. Moves no money.',
  kind: 'card_provider',
  methods: ['card', 'card_page'],
  modes: ['test'],
  takesPayments: true,
  docsUrl: null,
  fields: [],
} as const satisfies Provider;
