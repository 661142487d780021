export { type CliIo, type CliSignal, main, processIo } from './main.ts'
