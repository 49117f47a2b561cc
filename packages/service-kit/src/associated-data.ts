/**
 * What a ciphertext is bound to. Each part is preceded by its length in bytes, so that no two lists of parts give the
 * same bytes ("ab","c" is not "a","bc").
 */
export function associatedData(...parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
