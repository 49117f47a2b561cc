import { register } from 'node:module';
import { ConfigError, envOptional, readEnv } from './env.ts';

// Loaded before the program: `node --import @centra/service-kit/otel.ts src/main.ts`. Modules can only be followed from
// when they are loaded. Without OTEL_EXPORTER_OTLP_ENDPOINT this is all that happens.
const env = readEnv();
if (envOptional(env, 'OTEL_EXPORTER_OTLP_ENDPOINT') !== undefined) {
  // Only these are wrapped: a wrapper for every module would cost each start a second.
  const include = ['@grpc/grpc-js', 'pg', 'pg-pool'];
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url, { data: { include } });
  const { startTracing } = await import('./otel-sdk.ts');
  try {
    startTracing(env, process.argv[1] ?? '');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stdout.write(
      `${JSON.stringify({ level: 'fatal', time: new Date().toISOString(), message: `cannot start: ${error.message}` })}\n`,
    );
    process.exit(1);
  }
}
