export { StreamsBuilder } from './streams-builder.ts'
