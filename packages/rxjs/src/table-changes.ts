import type { KTable, StoreHandle } from '@millrace/streams'
import type { Observable } from 'rxjs'
import { type ObservedRecord, toObservable, type ToObservableOptions } from './to-observable.ts'

/**
 * The updates of a table, or of the windows of a windowed one, as they are processed in this process: the new row, and a null
 * value for a deleted one. Above it `suppress` gives windows once, when they are closed. Otherwise as `toObservable`.
 *
 * `changes` gives the committed ones of all processes.
 *
 * @throws StreamsError `CONFIG_UNKNOWN_OPTION`, `TOPOLOGY_INVALID`, `TOPOLOGY_DUPLICATE_NAME`
 */
export function tableChanges<K, V>(
  table: KTable<K, V, StoreHandle<any, any>>,
  options: ToObservableOptions = {}
): Observable<ObservedRecord<K, V | null>> {
  // The stream of a table has a null value for each deletion, whatever its type says.
  return toObservable(table.toStream(), options) as Observable<ObservedRecord<K, V | null>>
}
