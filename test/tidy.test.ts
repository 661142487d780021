import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ERRORS } from '@millrace/streams/core'
import { describe, expect, test } from 'vitest'

// Rules of our own, which no linter knows. Each says why where it is broken.

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const skipped = (path: string): boolean => /(^|\/)(node_modules|dist|fixtures|\.cache|\.state)$/.test(path)
const filesOf = (pattern: string): string[] => globSync(pattern, { cwd: ROOT, exclude: skipped }).sort()

const SOURCES = filesOf('packages/*/{src,bin}/**/*.{ts,js}')
const TESTS = filesOf('{packages,examples,test,scripts}/**/*.{test,test-d}.ts')
const TEXTS = filesOf('{packages,examples,test,scripts,docs,.ci}/**/*.{ts,js,mjs,json,md,xml}').concat(
  filesOf('*.{ts,json,md}'),
  ['scripts/kafka', '.ci/run']
)
const BESIDE_TESTS = /\.(test|test-d)\.ts$|\/test-support\//
const PACKAGES = filesOf('packages/*/package.json').map(dirname)

/** The files that implement the ports for time, timers and randomness in the real world, or stand beside one. */
const REAL_TIME: Readonly<Record<string, string>> = {
  'packages/millrace/src/console-logger.ts': 'stamps log lines for people; nothing is computed from it',
  'packages/cli/src/process-io.ts': 'the process around the command: what it waits for between restarts',
  'packages/store-level/src/process-slots.ts': 'names a directory unlike any other on the machine',
  'packages/streams/src/ports/system-clock.ts': 'implements Clock',
  'packages/streams/src/ports/system-event-loop.ts': 'implements EventLoop',
  'packages/streams/src/ports/system-random.ts': 'implements Random',
  'packages/transport-kafkajs/src/timer.ts': 'time-outs of real sockets, which no simulated clock can drive'
}

const WAITING = /\bset(Timeout|Interval)\(|\bsetTimeout as\b|['"](node:)?timers\/promises['"]/
const TIME_OR_CHANCE = new RegExp(
  `${WAITING.source}|\\bDate\\.now\\b|\\bnew Date\\(\\)|\\bperformance\\.now\\b|\\bprocess\\.hrtime\\b|` +
    '\\bMath\\.random\\b|\\brandom(UUID|Bytes|Int)\\('
)

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')

function linesWith(files: readonly string[], pattern: RegExp, textOf = (file: string) => withoutComments(read(file))) {
  return files.flatMap(file => {
    const lines = textOf(file).split('\n')
    return lines.filter(line => pattern.test(line)).map(line => `${file}: ${line.trim()}`)
  })
}

test('there is something to look at', () => {
  expect(SOURCES.length).toBeGreaterThan(50)
  expect(TESTS.length).toBeGreaterThan(10)
  expect(PACKAGES.length).toBeGreaterThan(7)
})

describe('time and chance enter through ports', () => {
  test('no source but these asks the real clock, sets a timer or draws a number: a run must replay', () => {
    const files = SOURCES.filter(file => !(file in REAL_TIME) && !BESIDE_TESTS.test(file))
    expect(linesWith(files, TIME_OR_CHANCE)).toEqual([])
  })

  test('no test sleeps: it awaits the event, or turns the clock', () => {
    const files = SOURCES.filter(file => !(file in REAL_TIME) && BESIDE_TESTS.test(file))
    expect(linesWith(files, WAITING)).toEqual([])
  })

  test('every exception exists and is one', () => {
    const idle = Object.keys(REAL_TIME).filter(file => linesWith([file], TIME_OR_CHANCE).length === 0)
    expect(idle).toEqual([])
  })

  test('the rule sees what it forbids', () => {
    const planted = ['const t = Date.now()', 'setTimeout(f, 1)', "import { setTimeout } from 'node:timers/promises'"]
    expect(linesWith(['planted'], TIME_OR_CHANCE, () => planted.join('\n'))).toHaveLength(3)
    expect(linesWith(['planted'], TIME_OR_CHANCE, () => withoutComments('// Date.now\nclock.nowMs()'))).toEqual([])
  })
})

describe('files', () => {
  test('are named after the one thing inside, in kebab-case', () => {
    const shapeless = /^(utils?|helpers?|misc|common|shared|types|constants)\.|-v\d+\.|[A-Z_]/
    const files = [...SOURCES, ...filesOf('{examples,test,scripts}/**/*.ts')].filter(
      file => !file.endsWith('.test-d.ts')
    )
    expect(files.filter(file => shapeless.test(basename(file)))).toEqual([])
  })

  test('import across packages by name, not by path', () => {
    const leaving = SOURCES.filter(file => !BESIDE_TESTS.test(file)).flatMap(file => {
      const specifiers = [...read(file).matchAll(/(?:from|import\()\s*'(\.[^']*)'/g)].map(match => match[1] as string)
      const home = file.split('/').slice(0, 2).join('/')
      return specifiers
        .map(to => join(dirname(file), to))
        .filter(to => !to.startsWith(`${home}/`))
        .map(to => `${file}: ${to}`)
    })
    expect(leaving).toEqual([])
  })

  test('hold no test that is left out or runs alone', () => {
    expect(
      linesWith(TESTS, /\b(test|it|describe|suite)\.(only|skip|todo|fails)\b|\b(xit|xtest|fit|fdescribe)\(/)
    ).toEqual([])
  })

  test("name no path of a developer's machine and no registry", () => {
    const private_ =
      /(^|[\s'"`(=:])\/(home|Users|root|work|workspace)\/|https?:\/\/(localhost|127\.0\.0\.1|10\.|192\.168\.)[^\s]*(npm|registry)/
    expect(linesWith(TEXTS, private_, read)).toEqual([])
    // Whoever installs has a registry of their own configured.
    expect(read('package-lock.json')).not.toMatch(/"resolved": "https?:/)
  })
})

describe('docs', () => {
  const documented = [...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \| ([a-z-]+) \|/gm)]
  const codes = documented.map(match => match[1] as string)

  test('tell of every error code once, with its action, and of no other', () => {
    expect(Object.keys(ERRORS).filter(code => !codes.includes(code))).toEqual([])
    expect(codes.filter(code => !(code in ERRORS))).toEqual([])
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([])
    for (const [, code, action] of documented)
      expect({ code, action }).toEqual({ code, action: ERRORS[code as keyof typeof ERRORS] })
  })

  test('name only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const pages = ['README.md', 'CONTRIBUTING.md', ...filesOf('docs/**/*.md')]
    const named = pages.flatMap(page => {
      const commands = [...read(page).matchAll(/(?:^|`|&& )npm (?:run )?([a-z]+(?::[a-z]+)*)/gm)]
      return commands
        .map(match => match[1] as string)
        .filter(name => !NPM_OWN_COMMANDS.has(name))
        .map(name => ({ page, name }))
    })
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter(({ name }) => !(name in scripts))).toEqual([])
  })

  test('link only to files that exist', () => {
    const pages = [
      'README.md',
      'CONTRIBUTING.md',
      ...filesOf('docs/**/*.md'),
      ...filesOf('{packages,examples}/*/README.md')
    ]
    const broken = pages.flatMap(page => {
      const targets = [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(match => match[1] as string)
      return targets
        .filter(target => globSync(join(dirname(page), target), { cwd: ROOT }).length === 0)
        .map(to => `${page}: ${to}`)
    })
    expect(broken).toEqual([])
  })

  test.each(PACKAGES)('%s says in a README what it is', folder => {
    expect(read(`${folder}/README.md`)).toContain((JSON.parse(read(`${folder}/package.json`)) as { name: string }).name)
  })
})

describe('packages', () => {
  const manifests = PACKAGES.map(folder => ({ folder, ...(JSON.parse(read(`${folder}/package.json`)) as Manifest) }))
  const folderOf = new Map(manifests.map(({ folder, name }) => [name, folder]))

  test('move in step: one version, and each asks for exactly that of the others', () => {
    expect(new Set(manifests.map(({ version }) => version)).size).toBe(1)
    const [version] = manifests.map(manifest => manifest.version)
    const asked = manifests.flatMap(({ dependencies = {} }) => Object.entries(dependencies))
    expect(asked.filter(([name, range]) => folderOf.has(name) && range !== version)).toEqual([])
  })

  test('are compiled after those that they need', () => {
    for (const { folder, dependencies = {} } of manifests) {
      const { references } = JSON.parse(read(`${folder}/tsconfig.build.json`)) as { references: { path: string }[] }
      const needed = Object.keys(dependencies).flatMap(name => folderOf.get(name) ?? [])
      expect([folder, references.map(({ path }) => dirname(join(folder, path))).sort()]).toEqual([
        folder,
        needed.sort()
      ])
    }
  })

  test('streams has no third-party dependency', () => {
    expect(manifests.find(({ name }) => name === '@millrace/streams')?.dependencies ?? {}).toEqual({})
  })
})

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
}

const NPM_OWN_COMMANDS = new Set(['ci', 'install'])
