import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configurationPage, readOptionGroups } from './docs/configuration-page.ts'
import { examplesModule } from './docs/examples-module.ts'
import { readOperatorDocs } from './docs/operator-docs.ts'
import { operatorsPage } from './docs/operators-page.ts'

// Writes what is made from docstrings: docs/configuration.md, docs/operators.md, and its examples as code that the tests run.

const root = join(import.meta.dirname, '..')
const docs = readOperatorDocs(root)
writeFileSync(join(root, 'docs/operators.md'), operatorsPage(docs))
writeFileSync(join(root, 'docs/configuration.md'), configurationPage(readOptionGroups(root)))
writeFileSync(join(root, 'test/docs/fixtures/operator-examples.ts'), examplesModule(docs))
