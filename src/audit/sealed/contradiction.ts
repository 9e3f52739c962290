/** The log is not the one that was sealed: an event, a node or a checkpoint was changed, or is gone. */
export class LogContradictionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LogContradictionError';
  }
}
