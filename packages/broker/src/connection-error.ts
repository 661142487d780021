/** The peer sends what cannot be served, and has to be told by closing its connection, as Kafka does. */
export class ConnectionError extends Error {}
