/** The version of this program. package.json has the same one; a test compares the two. */
export const VERSION = '0.1.0';
