export { Millrace, type MillraceOptions } from './millrace.ts'
