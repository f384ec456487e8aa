/** Refused as the agent refuses: with a code and a sentence. */
export class FakeRefusal extends Error {}
