import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.*;

/**
 * Somebody else's client. Arguments: bootstrap address, then either `produce` with topic, record count and compression, or `consume` with
 * topic, record count and type of the values, `text` or `long`: prints a line of JSON per record.
 */
public class InteropClient {
  static final long T0 = 1_700_000_000_000L;

  public static void main(String[] args) throws Exception {
    if (args[1].equals("produce")) produce(args[0], args[2], Integer.parseInt(args[3]), args[4]);
    else consume(args[0], args[2], Integer.parseInt(args[3]), args[4].equals("long") ? new LongDeserializer() : new StringDeserializer());
  }

  static void produce(String bootstrap, String topic, int count, String compression) {
    Properties config = new Properties();
    config.putAll(Map.of("bootstrap.servers", bootstrap, "compression.type", compression, "linger.ms", "100"));
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (int i = 0; i < count; i++) {
        var record = new ProducerRecord<>(topic, null, T0 + i, "kéy-" + i, "välue " + i);
        record.headers().add("n", ("h" + i).getBytes(StandardCharsets.UTF_8)).add("empty", new byte[0]).add("none", null);
        producer.send(record);
      }
    }
  }

  static void consume(String bootstrap, String topic, int count, Deserializer<?> values) {
    Properties config = new Properties();
    config.putAll(Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest", "isolation.level", "read_committed"));
    config.putAll(Map.of("group.id", topic + "-java", "enable.auto.commit", "false"));
    try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), values)) {
      consumer.subscribe(List.of(topic));
      for (int seen = 0; seen < count; ) {
        for (var record : consumer.poll(Duration.ofMillis(500))) {
          seen++;
          List<String> headers = new ArrayList<>();
          for (Header header : record.headers()) {
            String value = header.value() == null ? "null" : quoted(new String(header.value(), StandardCharsets.UTF_8));
            headers.add("[" + quoted(header.key()) + "," + value + "]");
          }
          System.out.println("{\"partition\":" + record.partition() + ",\"timestampMs\":" + record.timestamp()
            + ",\"key\":" + quoted(record.key()) + ",\"value\":" + (record.value() instanceof String text ? quoted(text) : record.value())
            + ",\"headers\":[" + String.join(",", headers) + "]}");
        }
      }
    }
  }

  static String quoted(String text) {
    return text == null ? "null" : "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }
}
