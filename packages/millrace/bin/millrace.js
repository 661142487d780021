#!/usr/bin/env node
import { main } from '@millrace/cli'

process.exitCode = await main(process.argv.slice(2))
