import { join } from 'node:path';
import type { Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

const PROTO_FOLDER = join(import.meta.dirname, '..', '..', '..', 'proto');
const SERVICE = 'centra.payment.v1.PaymentService';

/** Lets developers' tools (grpcurl and the like) ask what this server offers. Only the public contract is shown. */
export function addReflection(server: Server): void {
  const definition = loadSync('centra/payment/v1/payment.proto', { includeDirs: [PROTO_FOLDER] });
  new ReflectionService(definition, { services: [SERVICE] }).addToServer(server);
}
