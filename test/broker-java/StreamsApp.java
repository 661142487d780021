import java.time.Duration;
import java.util.*;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;

/**
 * One instance of a Kafka Streams application. Arguments: bootstrap address, application id, state directory, then
 * `word-count` with the topics of lines and of counts, or `join` with the topics of left, right and joined records.
 * Prints `TASKS n` whenever it runs and the number of its active tasks has changed. Ends when its standard input does.
 */
public class StreamsApp {
  static final Duration JOIN_WINDOW = Duration.ofSeconds(5);

  public static void main(String[] args) throws Exception {
    Properties config = new Properties();
    config.putAll(Map.of(
      "bootstrap.servers", args[0], "application.id", args[1], "state.dir", args[2], "processing.guarantee", "exactly_once_v2",
      "default.key.serde", Serdes.StringSerde.class, "default.value.serde", Serdes.StringSerde.class, "commit.interval.ms", 100,
      "statestore.cache.max.bytes", 0));
    config.putAll(Map.of("consumer.session.timeout.ms", 6000, "consumer.heartbeat.interval.ms", 1000, "auto.offset.reset", "earliest"));
    StreamsBuilder builder = new StreamsBuilder();
    if (args[3].equals("word-count")) wordCount(builder, args[4], args[5]);
    else join(builder, args[4], args[5], args[6]);

    KafkaStreams streams = new KafkaStreams(builder.build(), config);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.start();
    int known = -1;
    while (System.in.available() == 0) {
      if (streams.state() == KafkaStreams.State.ERROR) System.exit(1);
      int tasks = streams.metadataForLocalThreads().stream().mapToInt(thread -> thread.activeTasks().size()).sum();
      if (streams.state() == KafkaStreams.State.RUNNING && tasks != known) {
        known = tasks;
        System.out.println("TASKS " + tasks);
      }
      Thread.sleep(50);
    }
    System.exit(streams.close(Duration.ofSeconds(30)) ? 0 : 1);
  }

  static void wordCount(StreamsBuilder builder, String lines, String counts) {
    builder.<String, String>stream(lines)
      .flatMapValues(line -> Arrays.asList(line.split(" ")))
      .groupBy((key, word) -> word)
      .count(Materialized.as("counts"))
      .toStream()
      .mapValues(count -> Long.toString(count))
      .to(counts);
  }

  static void join(StreamsBuilder builder, String left, String right, String joined) {
    JoinWindows windows = JoinWindows.ofTimeDifferenceAndGrace(JOIN_WINDOW, Duration.ofHours(1));
    KStream<String, String> rightStream = builder.stream(right);
    builder.<String, String>stream(left).join(rightStream, (l, r) -> l + "+" + r, windows).to(joined);
  }
}
