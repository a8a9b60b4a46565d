/** What is wrong with an image archive, as the middle of a sentence. */
export class ArchiveError extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'ArchiveError';
  }
}
