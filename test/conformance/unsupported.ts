/** Thrown when a case needs what the product or the runner does not have. Such a case has failed, whatever it expects. */
export class Unsupported extends Error {}
