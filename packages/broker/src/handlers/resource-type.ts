/** What a setting can belong to, in Kafka's numbers. */
export const RESOURCE_TYPE = { topic: 2, broker: 4 } as const
