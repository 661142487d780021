import { buildsTopology, importsOf, usesBuilder } from './example-code.ts'
import { examplesOf, type OperatorDocs } from './operator-docs.ts'

/** The examples of the docstrings as a module: what the compiler checks and the tests run. */
export function examplesModule(docs: OperatorDocs): string {
  const examples = examplesOf(docs)
  const imports = new Set(['StreamsBuilder', 'type Topology'])
  for (const example of examples) for (const name of importsOf(example, docs.exported)) imports.add(name)
  const names = [...imports].sort((a, b) => (plain(a) < plain(b) ? -1 : 1))
  return [
    '// Made by `npm run docs` from the docstrings of the operators: change those.',
    '',
    `import {\n  ${names.join(',\n  ')}\n} from 'millrace'`,
    "import type { OperatorExample } from '../operator-example.ts'",
    '',
    'export const EXAMPLES: readonly OperatorExample[] = [',
    examples
      .map(({ of, code, steps }) => {
        const lines = [
          ...(usesBuilder(code) ? ['const builder = new StreamsBuilder()'] : []),
          ...code.split('\n'),
          `return ${buildsTopology(code) ? 'topology' : 'builder.build()'}`
        ]
        return [
          '  {',
          `    of: ${JSON.stringify(of)},`,
          '    build(console): Topology {',
          ...lines.map(line => (line === '' ? '' : `      ${line}`)),
          '    },',
          '    steps: [',
          steps.map(step => `      ${JSON.stringify(step)}`).join(',\n'),
          '    ]',
          '  }'
        ].join('\n')
      })
      .join(',\n'),
    ']',
    ''
  ].join('\n')
}

function plain(name: string): string {
  return name.replace(/^type /, '').toLowerCase()
}
