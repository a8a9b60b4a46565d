/** An IPv4 packet with nothing right but its addresses. */
export function packetOf(source: number, destination: number, payload = ''): Buffer {
  const packet = Buffer.alloc(20 + payload.length);
  packet.writeUInt8(0x45);
  packet.writeUInt32BE(source, 12);
  packet.writeUInt32BE(destination, 16);
  packet.write(payload, 20);
  return packet;
}
