// What is wrong in the code of a topology is told while it is built: before anything connects, with what is at fault, the
// value, and what to do instead. JavaScript has no compiler to ask, so everything is passed as `any`.
import * as millrace from 'millrace'
import { isStreamsError } from 'millrace'
import { describe, expect, test } from 'vitest'

const {
  hopping,
  joinWindows,
  json,
  keyValueStore,
  session,
  sessionStore,
  sliding,
  string,
  tumbling,
  unlimited,
  untilTimeLimit,
  untilWindowCloses,
  versionedKeyValueStore,
  windowStore
} = millrace as any
const StreamsBuilder = millrace.StreamsBuilder as any
const TopologyBuilder = millrace.TopologyBuilder as any

type Case = readonly [what: string, use: (b: any) => unknown, code: string, message: RegExp]

const TEXT = { key: string(), value: json() }
const same = (value: unknown) => value
const pair = (key: unknown, value: unknown) => [key, value]
const nothing = () => ({ process() {} })
class Counter {
  process(): void {}
}
const stream = (b: any, topic = 'in') => b.stream(topic, TEXT)
const table = (b: any, topic = 'rows', options = {}) => b.table(topic, { ...TEXT, ...options })
const windowed = (b: any, windows: unknown) => stream(b).groupByKey().windowedBy(windows)
/** A stream that forgot the type of its values, and one of its keys. */
const unknownValues = (b: any) => stream(b).mapValues(same)
const unknownKeys = (b: any) => stream(b).selectKey(same)
const source = () => new TopologyBuilder().addSource('src', { topics: 'in', ...TEXT })

const SERDES: Case[] = [
  [
    'a source without options',
    b => b.stream('in'),
    'CONFIG_INVALID',
    /stream\(\) takes an object of options, not undef/
  ],
  ['null for a serde', b => b.stream('in', { ...TEXT, value: null }), 'TOPOLOGY_SERDE_MISSING', /stream\(\).*not null/],
  [
    'the maker of a serde',
    b => b.table('in', { ...TEXT, name: 'rows', key: string }),
    'TOPOLOGY_SERDE_MISSING',
    /table\(\) of node 'rows' takes as 'key' a serde, for example json\(\); not a function/
  ],
  [
    'half a serde',
    b => b.globalTable('in', { ...TEXT, key: { serialize() {} } }),
    'TOPOLOGY_SERDE_MISSING',
    /globalTable\(\) takes as 'key' a serde.*not an object/
  ],
  [
    'a serde that is a number',
    b => stream(b).groupByKey({ key: 7 }),
    'TOPOLOGY_SERDE_MISSING',
    /groupByKey\(\) takes as 'key' a serde.*not a number, 7/
  ],
  [
    'a global table without a value serde',
    b => b.globalTable('in', { key: string() }),
    'TOPOLOGY_SERDE_MISSING',
    /Node 'KTABLE-SOURCE-0000000002' needs a serde for the value.*Pass one to globalTable\(\)/
  ],
  ['a sink of unknown values', b => unknownValues(b).to('out'), 'TOPOLOGY_SERDE_MISSING', /'KSTREAM-SINK-.*to to\(\)/],
  [
    'grouping by a new key',
    b => unknownKeys(b).groupByKey().count(),
    'TOPOLOGY_SERDE_MISSING',
    /for the key.*count\(\)/
  ],
  [
    'a table of unknown values',
    b => unknownValues(b).toTable(),
    'TOPOLOGY_SERDE_MISSING',
    /KSTREAM-TOTABLE.*toTable\(\)/
  ],
  ['repartitioning a new key', b => unknownKeys(b).repartition(), 'TOPOLOGY_SERDE_MISSING', /key.*repartition\(\)/],
  [
    'an aggregate without a serde',
    b => stream(b).groupByKey().aggregate(same, same, { name: 'sum' }),
    'TOPOLOGY_SERDE_MISSING',
    /Node 'sum' needs a serde for the value.*aggregate\(\)/
  ],
  [
    'an aggregate without options',
    b => windowed(b, tumbling(5)).aggregate(same, same),
    'CONFIG_INVALID',
    /aggregate\(\) takes an object of options, not undefined/
  ],
  [
    'a grouped table without serdes',
    b => table(b).groupBy(pair),
    'TOPOLOGY_SERDE_MISSING',
    /KTABLE-SELECT.*groupBy\(\)/
  ],
  [
    'a stored join of tables',
    b => table(b).join(table(b, 'o'), same, { store: 'x', name: 'both' }),
    'TOPOLOGY_SERDE_MISSING',
    /Node 'both' needs a serde for the value.*join\(\)/
  ],
  [
    'a foreign-key join of unknown values',
    b => table(b).mapValues(same).join(table(b, 'o'), same, same),
    'TOPOLOGY_SERDE_MISSING',
    /join\(\) as 'thisValue'/
  ],
  [
    'a stream join of unknown values',
    b => stream(b).leftJoin(stream(b, 'o').mapValues(same), same, joinWindows(5)),
    'TOPOLOGY_SERDE_MISSING',
    /leftJoin\(\) as 'otherValue'/
  ],
  [
    'a join with a grace of unknown values',
    b => unknownValues(b).join(table(b, 'r', { historyRetention: 9 }), same, { grace: 5, name: 'late' }),
    'TOPOLOGY_SERDE_MISSING',
    /Node 'late' needs a serde for the value/
  ],
  [
    'suppress of unknown values',
    b => table(b).mapValues(same).suppress(untilTimeLimit(5)),
    'TOPOLOGY_SERDE_MISSING',
    /KTABLE-SUPPRESS.*suppress\(\)/
  ],
  [
    'a declared store without a serde',
    () => keyValueStore('x', { key: string() }),
    'TOPOLOGY_SERDE_MISSING',
    /Store 'x'/
  ],
  [
    'a source made by hand without a serde',
    () => new TopologyBuilder().addSource('src', { topics: 'in', key: string() }),
    'TOPOLOGY_SERDE_MISSING',
    /Node 'src' has no value serde/
  ]
]

const DURATIONS: Case[] = ['5 minuts', '5', '', 1.5, '1.5ms', Number.NaN, Number.POSITIVE_INFINITY, null, {}].flatMap(
  (given): Case[] => {
    const shown = typeof given === 'string' ? JSON.stringify(given) : String(given)
    const message = (what: string) =>
      new RegExp(
        `^${what} is ${shown.replaceAll(/[.[\]]/g, '\\$&')}\\. Give whole milliseconds, or a number with a unit`
      )
    const uses: [string, string, (b: any) => unknown][] = [
      ['tumbling()', 'The size of tumbling windows', () => tumbling(given)],
      ['hopping()', 'The advance of hopping windows', () => hopping(10, { advance: given })],
      ['sliding()', 'The difference of sliding windows', () => sliding(given)],
      ['session()', 'The gap of session windows', () => session(given)],
      ['joinWindows()', 'The time difference of a join', () => joinWindows(given)],
      ['untilTimeLimit()', 'The time limit of suppress\\(\\)', () => untilTimeLimit(given)],
      [
        'a history',
        "The history retention of store 'x'",
        b => table(b, 'rows', { store: 'x', historyRetention: given })
      ],
      [
        'a retention',
        "The retention of store 'x'",
        b => windowed(b, tumbling(5)).count({ store: 'x', retention: given })
      ],
      [
        'a grace of a join',
        "The grace of join 'late'",
        b => stream(b).join(table(b, 'r', { historyRetention: 9 }), same, { name: 'late', grace: given })
      ]
    ]
    return uses.map(([where, what, use]) => [`${shown} in ${where}`, use, 'DURATION_INVALID', message(what)])
  }
)

const WINDOWS: Case[] = [
  ['a size of 0', () => tumbling(0), 'TOPOLOGY_WINDOW_INVALID', /tumbling windows need a size above 0, not 0 ms/],
  ['a negative size', () => hopping('-5m', { advance: 1 }), 'TOPOLOGY_WINDOW_INVALID', /size above 0, not -300000 ms/],
  ['a negative grace', () => tumbling(5, { grace: -1 }), 'TOPOLOGY_WINDOW_INVALID', /tumbling.*negative grace, -1 ms/],
  ['an advance of 0', () => hopping(5, { advance: 0 }), 'TOPOLOGY_WINDOW_INVALID', /advance above 0, not 0 ms/],
  ['an advance beyond the size', () => hopping(5, { advance: 6 }), 'TOPOLOGY_WINDOW_INVALID', /Advance by at most/],
  ['no advance', () => hopping(5), 'CONFIG_INVALID', /hopping\(\) takes an object of options/],
  ['a negative difference', () => sliding(-1), 'TOPOLOGY_WINDOW_INVALID', /negative difference, -1 ms/],
  ['a negative gap', () => session(-1), 'TOPOLOGY_WINDOW_INVALID', /negative gap, -1 ms/],
  [
    'a join that ends before it begins',
    () => joinWindows(5, { before: -9 }),
    'TOPOLOGY_WINDOW_INVALID',
    /9 ms to 5 ms/
  ],
  ['a start that is no time', () => unlimited({ startMs: 'now' }), 'TOPOLOGY_WINDOW_INVALID', /not at now/],
  ['a duration in place of windows', b => windowed(b, '5m'), 'TOPOLOGY_WINDOW_INVALID', /tumbling\('5m'\)/],
  ['windows for joins', b => windowed(b, joinWindows(5)), 'TOPOLOGY_WINDOW_INVALID', /windowedBy\(\) takes windows/],
  [
    'a retention below size and grace',
    b => windowed(b, tumbling(50, { grace: 5 })).count({ store: 'c', retention: 54 }),
    'TOPOLOGY_WINDOW_INVALID',
    /Store 'c' keeps windows for 54 ms, but .* need 55\. Raise the retention/
  ],
  [
    'a retention below the gap of sessions',
    b => windowed(b, session(50)).count({ store: 'c', retention: 49 }),
    'TOPOLOGY_WINDOW_INVALID',
    /Store 'c'.*need 50/
  ],
  [
    'a retention without windows',
    b => stream(b).groupByKey().count({ retention: '5m' }),
    'CONFIG_UNKNOWN_OPTION',
    /count\(\) has no option 'retention'/
  ],
  [
    'a strategy that does not exist',
    b => windowed(b, tumbling(5)).emitStrategy('onclose'),
    'TOPOLOGY_WINDOW_INVALID',
    /takes 'onWindowUpdate' or 'onWindowClose', not "onclose"/
  ],
  [
    'closing what never closes',
    b => windowed(b, unlimited()).emitStrategy('onWindowClose'),
    'TOPOLOGY_WINDOW_INVALID',
    /unlimited windows never close/
  ],
  ['suppress without a time', b => table(b).suppress(), 'TOPOLOGY_INVALID', /takes untilTimeLimit\(…\) or/],
  [
    'suppress that was not called',
    b => table(b).suppress(untilWindowCloses),
    'TOPOLOGY_INVALID',
    /untilWindowCloses\(\)/
  ],
  [
    'windows awaited where there are none',
    b => table(b).suppress(untilWindowCloses(), { name: 'last' }),
    'TOPOLOGY_INVALID',
    /suppress\(\) of node 'last' waits until windows close, but.*Use untilTimeLimit/
  ],
  [
    'windows awaited that never close',
    b => windowed(b, unlimited()).count().suppress(untilWindowCloses(), { name: 'last' }),
    'TOPOLOGY_INVALID',
    /suppress\(\) of node 'last' waits until windows close, but unlimited windows never do/
  ],
  [
    'suppress with a history',
    b => table(b, 'rows', { name: 'rows', historyRetention: 5 }).suppress(untilTimeLimit(5)),
    'TOPOLOGY_INVALID',
    /versioned table of node 'rows'/
  ],
  ['a buffer of -1', () => untilTimeLimit(5, { maxRecords: -1 }), 'TOPOLOGY_INVALID', /maxRecords, not -1/],
  ['a final result early', () => untilWindowCloses({ whenFull: 'emitEarly' }), 'CONFIG_UNKNOWN_OPTION', /'whenFull'/],
  [
    'a grace without a history',
    b => stream(b).join(table(b), same, { grace: 5, name: 'late' }),
    'TOPOLOGY_INVALID',
    /Node 'late' joins with a grace of 5 ms\. That takes a versioned table: give it a historyRetention/
  ],
  [
    'a grace beyond the history',
    b => stream(b).join(table(b, 'r', { historyRetention: 4 }), same, { grace: 5 }),
    'TOPOLOGY_INVALID',
    /remembers only 4 ms/
  ],
  [
    'a history without a store',
    b => table(b).filter(same, { name: 'some', historyRetention: 5 }),
    'TOPOLOGY_INVALID',
    /Node 'some' has a history retention, 5, but no store/
  ],
  ['a negative history', b => table(b, 'r', { historyRetention: -1 }), 'TOPOLOGY_INVALID', /negative history.*-1 ms/],
  [
    'a window store of size 0',
    () => windowStore('x', { ...TEXT, windowSize: 0, retention: 5 }),
    'TOPOLOGY_WINDOW_INVALID',
    /'x' is 0 ms/
  ],
  [
    'a window store without a size',
    () => windowStore('x', { ...TEXT, retention: 5 }),
    'DURATION_INVALID',
    /window size of store 'x'/
  ],
  [
    'a window store that forgets',
    () => windowStore('x', { ...TEXT, windowSize: 9, retention: 5 }),
    'TOPOLOGY_WINDOW_INVALID',
    /at least the size of its windows, 9 ms/
  ],
  [
    'a session store without a retention',
    () => sessionStore('x', TEXT),
    'DURATION_INVALID',
    /retention of store 'x' is undefined/
  ],
  ['a versioned store without a history', () => versionedKeyValueStore('x', TEXT), 'DURATION_INVALID', /store 'x'/]
]

const STREAM_FUNCTIONS = ['map', 'mapValues', 'filter', 'filterNot', 'flatMap', 'flatMapValues', 'selectKey', 'peek']
const FUNCTIONS: Case[] = [
  ...[...STREAM_FUNCTIONS, 'foreach', 'process', 'processValues', 'groupBy'].flatMap((operator): Case[] => [
    [
      `null in ${operator}()`,
      b => stream(b)[operator](null),
      'TOPOLOGY_INVALID',
      called(operator, 'a function.*not null')
    ],
    [`nothing in ${operator}()`, b => stream(b)[operator](), 'TOPOLOGY_INVALID', called(operator, '.*not undefined')],
    [
      `a misspelt option of ${operator}()`,
      b => stream(b)[operator](same, { nmae: 'x' }),
      'CONFIG_UNKNOWN_OPTION',
      new RegExp(`${operator}\\(\\) has no option 'nmae'\\. Did you mean 'name'\\?`)
    ]
  ]),
  ...['mapValues', 'filter', 'filterNot', 'transformValues', 'groupBy'].flatMap((operator): Case[] => [
    [
      `null in a table's ${operator}()`,
      b => table(b)[operator](null),
      'TOPOLOGY_INVALID',
      called(operator, '.*not null')
    ],
    [
      `a misspelt option of a table's ${operator}()`,
      b => table(b)[operator](same, { ...TEXT, nmae: 'x' }),
      'CONFIG_UNKNOWN_OPTION',
      /has no option 'nmae'\. Did you mean 'name'\?/
    ]
  ]),
  ['no predicate', b => stream(b).split().branch('x'), 'TOPOLOGY_INVALID', /branch\(\) takes a function as predicate/],
  ['no reducer', b => stream(b).groupByKey().reduce(), 'TOPOLOGY_INVALID', /reduce\(\) takes a function as reducer/],
  ['no subtractor', b => table(b).groupBy(pair, TEXT).reduce(same), 'TOPOLOGY_INVALID', /function as subtractor/],
  [
    'a value for an initializer',
    b => stream(b).groupByKey().aggregate(0, same, TEXT),
    'TOPOLOGY_INVALID',
    /aggregate\(\) takes a function as initializer, not a number, 0/
  ],
  ['no merger', b => windowed(b, session(5)).aggregate(same, same, TEXT), 'CONFIG_INVALID', /aggregate\(\)/],
  [
    'no merger of a cogroup',
    b => stream(b).groupByKey().cogroup(same).windowedBy(session(5)).aggregate(same, TEXT),
    'TOPOLOGY_INVALID',
    /as merger/
  ],
  [
    'no aggregator',
    b => stream(b).groupByKey().cogroup(null),
    'TOPOLOGY_INVALID',
    /cogroup\(\) takes a function as aggr/
  ],
  ['no joiner', b => stream(b).join(stream(b, 'o'), null, joinWindows(5)), 'TOPOLOGY_INVALID', /join\(\).*as joiner/],
  ['no foreign key', b => table(b).join(table(b, 'o'), null, same), 'TOPOLOGY_INVALID', /function as foreign key/],
  ['no key selector', b => stream(b).join(b.globalTable('g', TEXT), null, same), 'TOPOLOGY_INVALID', /as key selector/],
  ['no windows', b => stream(b).outerJoin(stream(b, 'o'), same), 'TOPOLOGY_INVALID', /takes joinWindows\('5m'\)/],
  [
    'windows for aggregations',
    b => stream(b).join(stream(b, 'o'), same, tumbling(5)),
    'TOPOLOGY_INVALID',
    /joinWindows/
  ],
  [
    'a class for a supplier',
    b => stream(b).process(Counter),
    'TOPOLOGY_INVALID',
    /process\(\).*the class Counter.*\(\) => new/
  ],
  ['a processor for a supplier', b => stream(b).process(nothing()), 'TOPOLOGY_INVALID', /supplier, not an object/],
  ['a class for a transformer', b => table(b).transformValues(Counter), 'TOPOLOGY_INVALID', /the class Counter/],
  ['a class made by hand', () => source().addProcessor('p', Counter, ['src']), 'TOPOLOGY_INVALID', /Node 'p'.*Counter/],
  [
    'a partitioner that is a number',
    b => stream(b).to('out', { partitioner: 3 }),
    'TOPOLOGY_INVALID',
    /to\(\).*'partitioner' a function.*not a number, 3/
  ],
  [
    'a partitioner of a topic',
    b => stream(b).repartition({ partitioner: 3 }),
    'TOPOLOGY_INVALID',
    /repartition\(\).*'partitioner'/
  ],
  [
    'an extractor that is a name',
    b => b.stream('in', { ...TEXT, timestampExtractor: 'ts' }),
    'TOPOLOGY_INVALID',
    /stream\(\).*'timestampExtractor' a function/
  ],
  [
    'an extractor of a global table',
    b => b.globalTable('in', { ...TEXT, timestampExtractor: 5 }),
    'TOPOLOGY_INVALID',
    /globalTable\(\)/
  ],
  [
    'a mapper that is a number',
    b => table(b).toStream(5),
    'CONFIG_INVALID',
    /toStream\(\) takes an object of options, not a number, 5/
  ]
]

function called(operator: string, rest: string): RegExp {
  return new RegExp(`^${operator}\\(\\) takes ${rest}`)
}

const INPUTS: Case[] = [
  [
    'no table',
    b => stream(b).join(null, same),
    'TOPOLOGY_INVALID',
    /join\(\) takes a stream, a table or a global table, not null/
  ],
  [
    'the name of a table',
    b => stream(b).leftJoin('rows', same),
    'TOPOLOGY_INVALID',
    /leftJoin\(\) takes.*not a string, "rows"/
  ],
  ['a grouped stream', b => stream(b).join(stream(b).groupByKey(), same), 'TOPOLOGY_INVALID', /not a KGroupedStream/],
  [
    'an outer join with a table',
    b => stream(b).outerJoin(table(b), same, joinWindows(5)),
    'TOPOLOGY_INVALID',
    /outerJoin\(\) takes a stream, not a KTable/
  ],
  [
    'a table joined with a stream',
    b => table(b).join(stream(b), same),
    'TOPOLOGY_INVALID',
    /join\(\) takes a table, not a KStream/
  ],
  [
    'a table joined with a global table',
    b => table(b).leftJoin(b.globalTable('g', TEXT), same),
    'TOPOLOGY_INVALID',
    /not a GlobalKTable/
  ],
  [
    'a table joined with nothing',
    b => table(b).outerJoin(undefined, same),
    'TOPOLOGY_INVALID',
    /outerJoin\(\) takes a table, not undefined/
  ],
  [
    'a stream merged with a table',
    b => stream(b).merge(table(b)),
    'TOPOLOGY_INVALID',
    /merge\(\) takes a stream, not a KTable/
  ],
  [
    'a cogroup of a stream',
    b => stream(b).groupByKey().cogroup(same).cogroup(stream(b, 'o'), same),
    'TOPOLOGY_INVALID',
    /cogroup\(\) takes a grouped stream.*not a KStream/
  ],
  [
    'a merge of two builders',
    b => stream(b).merge(stream(new StreamsBuilder())),
    'TOPOLOGY_INVALID',
    /of one StreamsBuilder/
  ],
  [
    'a join of two builders',
    b => stream(b).join(table(new StreamsBuilder()), same),
    'TOPOLOGY_INVALID',
    /same StreamsBuilder/
  ],
  [
    'a global join of two builders',
    b => stream(b).join(new StreamsBuilder().globalTable('g', TEXT), same, same),
    'TOPOLOGY_INVALID',
    /same StreamsBuilder/
  ],
  [
    'a cogroup of two builders',
    b => stream(b).groupByKey().cogroup(same).cogroup(stream(new StreamsBuilder()).groupByKey(), same),
    'TOPOLOGY_INVALID',
    /cogroup\(\).*same StreamsBuilder/
  ]
]

const OPTIONS: Case[] = [
  [
    'a misspelt store',
    b => stream(b).groupByKey().count({ stroe: 'x' }),
    'CONFIG_UNKNOWN_OPTION',
    /'stroe'\. Did you mean 'store'\?/
  ],
  [
    'a name in place of options',
    b => stream(b).groupByKey().count('x'),
    'CONFIG_INVALID',
    /count\(\) takes an object of options, not a string, "x"/
  ],
  ['null in place of options', b => stream(b).groupByKey().count(null), 'CONFIG_INVALID', /count\(\).*not null/],
  [
    'a misspelt option of a join',
    b => stream(b).join(stream(b, 'o'), same, joinWindows(5), { stroe: 'x' }),
    'CONFIG_UNKNOWN_OPTION',
    /'stroe'/
  ],
  [
    'a misspelt option of windows',
    () => tumbling(5, { garce: 1 }),
    'CONFIG_UNKNOWN_OPTION',
    /tumbling\(\) has no option 'garce'/
  ],
  [
    'a misspelt option of a store',
    () => windowStore('x', { ...TEXT, windowSize: 5, retention: 5, retainDuplicate: true }),
    'CONFIG_UNKNOWN_OPTION',
    /Store 'x' has no option 'retainDuplicate'\. Did you mean 'retainDuplicates'/
  ],
  [
    'a misspelt option of build',
    b => b.build({ optimisation: 'all' }),
    'CONFIG_UNKNOWN_OPTION',
    /Did you mean 'optimization'/
  ],
  [
    'an optimization that does not exist',
    b => b.build({ optimization: 'some' }),
    'TOPOLOGY_INVALID',
    /'some'.*'none' or 'all'/
  ],
  [
    'a misspelt reset',
    b => b.stream('in', { ...TEXT, offsetReset: 'earlist' }),
    'TOPOLOGY_INVALID',
    /'offsetReset' 'earliest', 'latest' or 'none'; not a string, "earlist"/
  ],
  [
    'a word for caching',
    b => stream(b).groupByKey().count({ caching: 'no', name: 'c' }),
    'TOPOLOGY_INVALID',
    /count\(\) of node 'c' takes as 'caching' true or false; not a string, "no"/
  ],
  [
    'a number for persistent',
    () => keyValueStore('x', { ...TEXT, persistent: 0 }),
    'TOPOLOGY_INVALID',
    /Store 'x' takes as 'persistent' true or false/
  ],
  [
    'a word for a changelog',
    b => table(b).suppress(untilTimeLimit(5), { changelog: 'off' }),
    'TOPOLOGY_INVALID',
    /suppress\(\) takes as 'changelog' true, false/
  ],
  [
    'a number for a topic config',
    b =>
      stream(b)
        .groupByKey()
        .count({ changelog: { 'retention.ms': 5 } }),
    'TOPOLOGY_INVALID',
    /topic configs as texts/
  ],
  [
    'no partition',
    b => stream(b).repartition({ partitionCount: 0 }),
    'TOPOLOGY_INVALID',
    /partitionCount above 0, not 0/
  ],
  [
    'a store in place of stores',
    b => stream(b).process(nothing, { stores: 'counts' }),
    'TOPOLOGY_INVALID',
    /'stores' a list.*not a string, "counts"/
  ],
  [
    'null among the stores',
    b => table(b).transformValues(nothing, { stores: [null] }),
    'TOPOLOGY_INVALID',
    /'stores' a list/
  ],
  ['no store', b => b.addStateStore(null), 'TOPOLOGY_INVALID', /addStateStore\(\) takes a declared store, not null/],
  ['the name of a store', b => b.addStateStore('counts'), 'TOPOLOGY_INVALID', /not a string, "counts"/],
  [
    'a misspelt option of a source',
    () => new TopologyBuilder().addSource('s', { topics: 'in', ...TEXT, ofsetReset: 'none' }),
    'CONFIG_UNKNOWN_OPTION',
    /Source 's' has no option 'ofsetReset'/
  ],
  [
    'a source without topics',
    () => new TopologyBuilder().addSource('s', TEXT),
    'TOPOLOGY_INVALID',
    /Source 's' takes as 'topics'.*not undefined/
  ],
  [
    'a sink without a topic',
    () => source().addSink('s', TEXT, ['src']),
    'TOPOLOGY_INVALID',
    /Sink 's' takes as 'topic'.*not undefined/
  ],
  [
    'a misspelt option of a sink',
    () => source().addSink('s', { topic: 'o', ...TEXT, partitoner: same }, ['src']),
    'CONFIG_UNKNOWN_OPTION',
    /'partitioner'/
  ]
]

const NAMES: Case[] = [
  ...['', ' ', 'a b', 'a/b', 'ä', '.', '..', 'x'.repeat(250), null, 5].flatMap((name): Case[] => {
    const uses: [string, string, (b: any) => unknown][] = [
      ['a topic', 'topic', b => b.stream([name], TEXT)],
      ['a topic of a table', 'topic', b => b.table(name, TEXT)],
      ['a topic of a global table', 'topic', b => b.globalTable(name, TEXT)],
      ['a node', 'node', b => stream(b).mapValues(same, { name })],
      ['a join', 'node', b => stream(b).join(stream(b, 'o'), same, joinWindows(5), { name })],
      ['a grouping', 'node', b => stream(b).groupByKey({ name })],
      ['a repartition topic', 'node', b => stream(b).repartition({ name })],
      ['a store', 'store', b => stream(b).groupByKey().count({ store: name })],
      ['stores of a join', 'store', b => stream(b).join(stream(b, 'o'), same, joinWindows(5), { store: name })],
      ['a declared store', 'store', () => keyValueStore(name, TEXT)],
      ['a branch', 'branch', b => stream(b).split().branch(name, same)]
    ]
    const shown = String(name).replaceAll('.', '\\.')
    return uses.map(([where, what, use]) => [
      `'${String(name).slice(0, 10)}' for ${where}`,
      use,
      'TOPOLOGY_INVALID',
      new RegExp(`'${shown}' cannot be the name of a ${what}|needs a topic|a list of topics`)
    ])
  }),
  ['no topic', b => b.stream([], TEXT), 'TOPOLOGY_INVALID', /stream\(\) needs a topic/],
  [
    "a topic of Kafka's",
    b => stream(b).to('__consumer_offsets'),
    'TOPOLOGY_INVALID',
    /'__consumer_offsets' is Kafka's own/
  ],
  [
    "a sink into a topic of Kafka's",
    () => source().addSink('s', { topic: '__transaction_state', ...TEXT }, ['src']),
    'TOPOLOGY_INVALID',
    /Kafka's own/
  ],
  [
    'two nodes of one name',
    b => [stream(b).mapValues(same, { name: 'x' }), stream(b).mapValues(same, { name: 'x' }), b.build()],
    'TOPOLOGY_DUPLICATE_NAME',
    /Two nodes are called 'x'/
  ],
  [
    'two branches of one name',
    b => stream(b).split().branch('x', same).branch('x', same),
    'TOPOLOGY_DUPLICATE_NAME',
    /two branches 'x'/
  ],
  [
    'two stores of one name',
    b => [
      stream(b).groupByKey().count({ store: 'x', name: 'a' }),
      stream(b).groupByKey().count({ store: 'x', name: 'b' }),
      b.build()
    ],
    'TOPOLOGY_DUPLICATE_STORE',
    /Store 'x' is declared twice, by 'a' and 'b'\. Give one of them another name/
  ],
  [
    'a store and a declared one',
    b => [b.addStateStore(keyValueStore('x', TEXT)), stream(b).groupByKey().count({ store: 'x' }), b.build()],
    'TOPOLOGY_DUPLICATE_STORE',
    /'x' is declared twice/
  ],
  [
    'a store and a global one',
    b => [b.globalTable('g', { ...TEXT, store: 'x' }), table(b, 'in', { store: 'x' }), b.build()],
    'TOPOLOGY_DUPLICATE_STORE',
    /'x'/
  ],
  [
    'two repartition topics of one name',
    b => [stream(b).repartition({ name: 'x' }), stream(b, 'o').repartition({ name: 'x' }), b.build()],
    'TOPOLOGY_DUPLICATE_NAME',
    /'x-repartition/
  ],
  [
    'a topic as stream and as table',
    b => [stream(b, 'rows').to('out'), table(b), b.build()],
    'TOPOLOGY_TOPIC_CONFLICT',
    /'rows' is read by '.*' and by '.*'/
  ],
  [
    'a topic as global table and stream',
    b => [b.globalTable('g', TEXT), stream(b, 'g').to('out'), b.build()],
    'TOPOLOGY_TOPIC_CONFLICT',
    /'g'/
  ],
  [
    'a topic and a pattern',
    b => [b.stream(/in.*/, TEXT).to('o'), stream(b).to('p'), b.build()],
    'TOPOLOGY_TOPIC_CONFLICT',
    /matches the pattern.*Narrow/
  ]
]

const GRAPH: Case[] = [
  ['an empty topology', b => b.build(), 'TOPOLOGY_INVALID', /empty\. Add at least one source/],
  [
    'a store that was not added',
    b => [stream(b).process(nothing, { stores: ['nope'], name: 'p' }), b.build()],
    'TOPOLOGY_UNKNOWN_STORE',
    /'nope', asked for by 'p'/
  ],
  [
    'a branch after the default',
    b => {
      const split = stream(b).split()
      split.defaultBranch('rest')
      return split.branch('x', same)
    },
    'TOPOLOGY_INVALID',
    /comes after the default/
  ],
  [
    'a node without a parent',
    () => source().addProcessor('p', nothing),
    'TOPOLOGY_INVALID',
    /'p' needs at least one parent/
  ],
  [
    'a parent that is missing',
    () => source().addProcessor('p', nothing, ['scr']),
    'TOPOLOGY_UNKNOWN_NODE',
    /'p' names 'scr'/
  ],
  [
    'a sink as a parent',
    () =>
      source()
        .addSink('s', { topic: 'o', ...TEXT }, ['src'])
        .addProcessor('p', nothing, ['s']),
    'TOPOLOGY_INVALID',
    /Sink 's' cannot be the parent of 'p'/
  ],
  [
    'a store of a source',
    () => source().addStateStore(keyValueStore('x', TEXT), ['src']),
    'TOPOLOGY_INVALID',
    /'x' cannot be connected to the source 'src'/
  ],
  [
    'fixed partition counts that differ',
    b => {
      const left = stream(b).repartition({ name: 'a', partitionCount: 2 })
      left.join(stream(b, 'o').repartition({ name: 'b', partitionCount: 3 }), same, joinWindows(5), { name: 'both' })
      return b.build()
    },
    'TOPOLOGY_NOT_COPARTITIONED',
    /Node 'both-merge' needs 'a-repartition' and 'b-repartition'.*2 and 3\. Fix one count for both/
  ]
]

describe.each([
  ['serdes', SERDES],
  ['durations', DURATIONS],
  ['windows', WINDOWS],
  ['functions', FUNCTIONS],
  ['other inputs', INPUTS],
  ['options', OPTIONS],
  ['names', NAMES],
  ['the graph', GRAPH]
])('wrong use of %s is refused while building:', (_area, cases) => {
  test.each(cases)('%s', (_what, use, code, message) => {
    const error = errorOf(() => use(new StreamsBuilder()))
    expect(isStreamsError(error), String(error)).toBe(true)
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
  })
})

function errorOf(use: () => unknown): unknown {
  try {
    use()
  } catch (error) {
    return error
  }
  return 'nothing was refused'
}
