const MIN_HEADER_BYTES = 20;
const SOURCE_AT = 12;
const DESTINATION_AT = 16;

/** Who an IPv4 packet says that it comes from, and where it is to go; undefined when it is none. */
export function endsOf(packet: Buffer): { source: number; destination: number } | undefined {
  if (packet.length < MIN_HEADER_BYTES || packet.readUInt8() >>> 4 !== 4) return undefined;
  return { source: packet.readUInt32BE(SOURCE_AT), destination: packet.readUInt32BE(DESTINATION_AT) };
}
