import { DeleteTopics, type ResponseInputOf, ZERO_UUID } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import { ErrorCode } from '../error-code.ts'
import type { Handler } from './handler.ts'
import { duplicatesIn, type Refusal, refusal } from './refusal.ts'

type Answered = ResponseInputOf<typeof DeleteTopics>['responses'][number]

/** Topics may be named by id from here on. */
const BY_ID_FROM = 6

/** Deletes topics with their records, at once. */
export const deleteTopics: Handler<typeof DeleteTopics> = {
  api: DeleteTopics,
  versions: [1, 6],
  handle(request, { version, broker }) {
    const asked =
      version >= BY_ID_FROM
        ? request.topics
        : request.topicNames.map(name => ({ name: name as string | null, topicId: ZERO_UUID }))
    const twice = duplicatesIn(asked.map(({ name, topicId }) => name ?? topicId))
    const answered: Answered[] = []
    for (const { name, topicId } of asked) {
      if (!twice.has(name ?? topicId)) answered.push(deleteTopic(name, topicId, broker))
    }
    for (const key of twice) {
      const byName = asked.some(({ name }) => name === key)
      const problem = refusal(ErrorCode.INVALID_REQUEST, byName ? 'Duplicate topic name.' : 'Duplicate topic id.')
      answered.push(refused(byName ? key : null, byName ? ZERO_UUID : key, problem))
    }
    return { throttleTimeMs: 0, responses: answered }
  }
}

function deleteTopic(name: string | null, topicId: string, { topics }: BrokerServices): Answered {
  const byId = topicId !== ZERO_UUID
  if (name !== null && byId) {
    return refused(
      name,
      topicId,
      refusal(ErrorCode.INVALID_REQUEST, 'You may not specify both topic name and topic id.')
    )
  }
  if (name === null && !byId) {
    return refused(null, topicId, refusal(ErrorCode.INVALID_REQUEST, 'Neither topic name nor id were specified.'))
  }
  const topic = name === null ? topics.byId(topicId) : topics.byName(name)
  if (topic === undefined) {
    const problem = byId
      ? refusal(ErrorCode.UNKNOWN_TOPIC_ID, 'This server does not host this topic ID.')
      : refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic-partition.')
    return refused(name, topicId, problem)
  }
  topics.delete(topic)
  return { name: topic.name, topicId: topic.id, errorCode: ErrorCode.NONE, errorMessage: null }
}

function refused(name: string | null, topicId: string, problem: Refusal): Answered {
  return { name, topicId, ...problem }
}
