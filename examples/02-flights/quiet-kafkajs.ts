// Import this before kafkajs is used. kafkajs 2.2.4 sets timers that are due in the past, which is harmless; Node 24 warns
// about it on stderr, in the middle of the table.
const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void

process.emitWarning = ((...args: unknown[]) => {
  if (args[1] !== 'TimeoutNegativeWarning') emitWarning(...args)
}) as typeof process.emitWarning
