import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';

const SERVICE = 'centra.payment.v1.PaymentService';
// The public contract and what it imports. What the services say among themselves is not shown.
const SHOWN = new Set([
  'centra/payment/v1/payment.proto',
  'centra/money/v1/money.proto',
  'google/protobuf/timestamp.proto',
]);

/**
 * Lets developers' tools (grpcurl and the like) ask what this server offers. The descriptors are the compiler's own, made
 * with the generated code: those that proto-loader makes at run time lose their imports, so that tools can list but not call.
 */
export function addReflection(server: Server): void {
  const bytes = readFileSync(fileURLToPath(import.meta.resolve('@centra/proto/descriptors.binpb')));
  const files = fromBinary(FileDescriptorSetSchema, bytes).file.filter(({ name }) => SHOWN.has(name));
  const fileDescriptorProtos = files.map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file)));
  const definition: ConstructorParameters<typeof ReflectionService>[0] = {
    [SERVICE]: { format: 'Protocol Buffer 3 EnumDescriptorProto', type: {}, fileDescriptorProtos },
  };
  new ReflectionService(definition, { services: [SERVICE] }).addToServer(server);
}
