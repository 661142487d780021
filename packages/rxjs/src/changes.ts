import { checkOptions } from '@millrace/streams/core'
import type { StoreHandle, Windowed } from '@millrace/streams'
import type { StreamsApp, WindowedKind } from '@millrace/streams/runtime'
import type { Observable } from 'rxjs'
import { FROM_TOPIC_OPTIONS, fromTopic, type FromTopicOptions } from './from-topic.ts'
import type { TopicRecord } from './topic-record.ts'

/** `earliest`, for example, gives the rows there are and then their changes. */
export type ChangesOptions = Omit<FromTopicOptions, 'onDeserializationError'>

/**
 * The changes of a store of an application, as they are committed: each new row, and a null value for a deleted one. They are
 * read from the store's changelog, so those of all processes of the application come, whichever has the partition; the
 * application must have been started once, since that makes the changelog.
 *
 * With `from: 'earliest'` it begins with the rows that the store has. Kafka compacts a changelog in its own time: until then,
 * older values of a row come too, before the last one. Rows that a store has dropped because they are too old show up as long as
 * Kafka has not deleted them.
 *
 * A store with a record cache has fewer changes: see `cacheBytes`. Bounds, errors and the end are those of `fromTopic`.
 *
 * @param store - of a table, `table.queryableStore`; or a declared store.
 * @throws StreamsError `STORE_NOT_FOUND`, also for a store without a changelog; `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function changes<K, V>(
  app: StreamsApp,
  store: StoreHandle<K, V, WindowedKind>,
  options?: ChangesOptions
): Observable<TopicRecord<Windowed<K>, V>>
export function changes<K, V>(
  app: StreamsApp,
  store: StoreHandle<K, V>,
  options?: ChangesOptions
): Observable<TopicRecord<K, V>>
export function changes(
  app: StreamsApp,
  store: StoreHandle<unknown, unknown>,
  options: ChangesOptions = {}
): Observable<TopicRecord<unknown, unknown>> {
  checkOptions(
    'changes()',
    options,
    FROM_TOPIC_OPTIONS.filter(name => name !== 'onDeserializationError')
  )
  const { topic, key, value } = app.changelog(store.name)
  return fromTopic(app, topic, { key, value }, options)
}
