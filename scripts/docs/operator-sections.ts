/** A chapter of docs/operators.md. */
export interface OperatorSection {
  readonly title: string
  readonly intro: string
  /** Methods as `KStream.filter`, with all their overloads; functions by name. */
  readonly of: readonly string[]
}

/** In the order in which someone who builds a topology looks for them. */
export const OPERATOR_SECTIONS: readonly OperatorSection[] = [
  {
    title: 'Reading and writing topics',
    intro:
      'A topology begins with sources. What it reads and writes has to exist: only internal topics are created. A topic is ' +
      'read once; its stream or table can be used any number of times.',
    of: ['StreamsBuilder.stream', 'StreamsBuilder.table', 'StreamsBuilder.globalTable', 'KStream.to']
  },
  {
    title: 'One record at a time',
    intro: 'Without state. They keep the timestamp and the headers of the record.',
    of: [
      'KStream.filter',
      'KStream.filterNot',
      'KStream.map',
      'KStream.mapValues',
      'KStream.flatMap',
      'KStream.flatMapValues',
      'KStream.selectKey',
      'KStream.peek',
      'KStream.foreach'
    ]
  },
  {
    title: 'Splitting, merging, repartitioning',
    intro: '',
    of: [
      'KStream.split',
      'BranchedKStream.branch',
      'BranchedKStream.defaultBranch',
      'BranchedKStream.noDefaultBranch',
      'KStream.merge',
      'KStream.repartition'
    ]
  },
  {
    title: 'Aggregating a stream',
    intro:
      'Group first, then aggregate: the result is a table, kept in a store and written to a changelog topic, ' +
      '`<applicationId>-<store>-changelog`.',
    of: [
      'KStream.groupByKey',
      'KStream.groupBy',
      'KGroupedStream.count',
      'KGroupedStream.reduce',
      'KGroupedStream.aggregate'
    ]
  },
  {
    title: 'Windows',
    intro:
      'Windows divide a group by event time. Each takes late records until stream time, the highest timestamp so far, has ' +
      'passed its end and the grace.',
    of: [
      'KGroupedStream.windowedBy',
      'tumbling',
      'hopping',
      'sliding',
      'session',
      'unlimited',
      'TimeWindowedKStream.count',
      'TimeWindowedKStream.reduce',
      'TimeWindowedKStream.aggregate',
      'TimeWindowedKStream.emitStrategy',
      'SessionWindowedKStream.count',
      'SessionWindowedKStream.reduce',
      'SessionWindowedKStream.aggregate',
      'SessionWindowedKStream.emitStrategy'
    ]
  },
  {
    title: 'Several streams in one aggregate',
    intro: '',
    of: [
      'KGroupedStream.cogroup',
      'CogroupedKStream.cogroup',
      'CogroupedKStream.aggregate',
      'CogroupedKStream.windowedBy',
      'TimeWindowedCogroupedKStream.aggregate',
      'SessionWindowedCogroupedKStream.aggregate'
    ]
  },
  {
    title: 'Tables',
    intro:
      'A table is the latest value of each key. Its operators give tables, which follow every update and deletion. A result is ' +
      'stored only where it is named or needed.',
    of: [
      'KStream.toTable',
      'KTable.toStream',
      'KTable.filter',
      'KTable.filterNot',
      'KTable.mapValues',
      'KTable.transformValues',
      'KTable.suppress',
      'untilTimeLimit',
      'untilWindowCloses',
      'KTable.queryableStore',
      'KTable.queryableVersionedStore',
      'GlobalKTable.queryableStore'
    ]
  },
  {
    title: 'Aggregating a table',
    intro:
      'A row that changes is taken out of the aggregate that it was in and added to the one that it belongs to now.',
    of: ['KTable.groupBy', 'KGroupedTable.count', 'KGroupedTable.reduce', 'KGroupedTable.aggregate']
  },
  {
    title: 'Joining a stream with a table',
    intro: 'Looks up what the table has when the record is processed. Updates of the table give no output.',
    of: ['KStream.join(table', 'KStream.leftJoin(table']
  },
  {
    title: 'Joining two streams',
    intro: 'Pairs the records of two streams that have equal keys and are near in time.',
    of: ['KStream.join(other', 'KStream.leftJoin(other', 'KStream.outerJoin', 'joinWindows']
  },
  {
    title: 'Joining two tables',
    intro: 'The result is a table that follows the updates of both.',
    of: ['KTable.join', 'KTable.leftJoin', 'KTable.outerJoin']
  },
  {
    title: 'Processors of your own',
    intro:
      'Where no operator fits: a processor gets each record, reads and writes stores, forwards what it likes and can be called ' +
      'by the clock.',
    of: [
      'KStream.process',
      'KStream.processValues',
      'ProcessorContext.forward',
      'ProcessorContext.getStateStore',
      'ProcessorContext.schedule',
      'ProcessorContext.waitFor',
      'Cancellable.cancel',
      'ProcessorContext.recordMetadata',
      'ProcessorContext.currentHeaders',
      'ProcessorContext.streamTimeMs',
      'ProcessorContext.systemTimeMs',
      'ProcessorContext.drop',
      'ProcessorContext.nodeState'
    ]
  },
  {
    title: 'Stores',
    intro:
      'Declared here, connected with `process`, `transformValues`, `addStateStore` or by hand. Restored from a changelog topic ' +
      'wherever their task goes.',
    of: [
      'StreamsBuilder.addStateStore',
      'keyValueStore',
      'timestampedKeyValueStore',
      'orderedKeyValueStore',
      'versionedKeyValueStore',
      'windowStore',
      'timestampedWindowStore',
      'sessionStore'
    ]
  },
  {
    title: 'Building the topology',
    intro: 'Everything that is wrong with a topology is said here, before any connection is made.',
    of: [
      'StreamsBuilder.build',
      'TopologyBuilder.constructor',
      'TopologyBuilder.addSource',
      'TopologyBuilder.addProcessor',
      'TopologyBuilder.addSink',
      'TopologyBuilder.addStateStore',
      'TopologyBuilder.addGlobalStore',
      'TopologyBuilder.addReadOnlyStateStore',
      'TopologyBuilder.connectProcessorAndStateStores',
      'TopologyBuilder.build'
    ]
  },
  {
    title: 'Serdes',
    intro:
      'Turn keys and values into bytes and back. A null key or value never reaches one. Your own is an object with `name`, ' +
      '`serialize` and `deserialize`.',
    of: ['string', 'json', 'int32', 'int64', 'float64', 'uuid', 'bytes', 'windowedKey', 'sessionKey']
  }
]
