/** What is not the public internet: https://www.iana.org/assignments/iana-ipv4-special-registry */
export const SPECIAL_V4: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/** All of the public internet is in 2000::/3; within it these lead elsewhere, or to IPv4 addresses in disguise. */
export const PUBLIC_V6: readonly string[] = ['2000::/3'];
export const SPECIAL_V6: readonly string[] = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];
