#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// From the second start on, hundreds of modules need not be compiled again. Before they are imported.
enableCompileCache()
const { main } = await import('@millrace/cli')

process.exitCode = await main(process.argv.slice(2))
