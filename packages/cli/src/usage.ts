export const USAGE = `millrace run FILE [options] [-- ARGUMENT…]

Runs an application as worker processes. Each is a member of the application's consumer group; Kafka divides the tasks
among them. FILE is JavaScript or TypeScript.

  -w, --workers N          how many processes (1)
      --max-restarts N     how often in a row a crashed worker is started again (10)
      --restart-delay-ms N wait before the first restart; doubles with each one in a row, up to 30 s (1000)

A worker finds its number, from 0, in MILLRACE_WORKER and their count in MILLRACE_WORKERS. With more than one, each line
they print begins with that number. SIGINT and SIGTERM reach every worker as SIGTERM; the second one kills. The exit code
is 0 when all workers ended with 0.

millrace broker [options]

Runs an embedded Kafka broker for development and tests, until SIGINT or SIGTERM; production is Apache Kafka. It prints what it
listens on. There is no authentication: whoever reaches the port may do everything.

  -p, --port N             where to listen; 0 takes a free port (9092)
      --host ADDRESS       on which address (127.0.0.1)
  -d, --data DIRECTORY     keeps everything in a directory, made if need be (in memory, and forgotten at the end)
      --fsync WHEN         with --data: 'always' outlives the machine, 'never' the process (never)

millrace txn list [--state STATE]… [--longer-than 60s]
millrace txn describe ID
millrace txn abort ID
millrace txn find-hanging [--topic TOPIC [--partition N]] [--longer-than 15m]
millrace txn abort --topic TOPIC --partition N --start-offset N

Tells of transactions, and ends those that hold up their readers. The first \`abort\` fences the producer of a transactional id,
which aborts what it has open. \`find-hanging\` looks for those that no coordinator will end, in every topic or in one; the
second \`abort\` ends one of them, in one partition.

  -b, --brokers HOST:PORT,… where Kafka is; also --bootstrap-server (KAFKA_BROKERS)
  -c, --client-config FILE JSON, or a module with a default export: what an application gives as \`kafka\`, such as ssl and sasl
      --state STATE        only in this state, such as Ongoing; may be repeated
      --longer-than TIME   only those that are open for longer: 60s, 15m, 2h
      --json               prints JSON

The exit code is 0 when it was done, 1 when it failed or there is no such transaction, 3 when \`find-hanging\` found some.

  -h, --help               this text
  -v, --version            the version
`
