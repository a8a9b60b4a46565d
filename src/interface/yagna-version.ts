/** The release of Yagna whose interfaces this node speaks: clients refuse to talk to older ones, or do without what those lack. */
export const YAGNA_VERSION = '0.17.6';
