import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Prints partition 0 of a topic as Java's consumer reads it. Arguments: bootstrap address, topic, number of records. */
public class ReadTopic {
  public static void main(String[] args) {
    Map<String, Object> config = Map.of("bootstrap.servers", args[0], "auto.offset.reset", "earliest", "check.crcs", "true");
    StringBuilder out = new StringBuilder();
    try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
      consumer.assign(List.of(new TopicPartition(args[1], 0)));
      long deadline = System.nanoTime() + 30_000_000_000L;
      for (int left = Integer.parseInt(args[2]); left > 0 && System.nanoTime() < deadline; ) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
          out.append(record.offset()).append('\t').append(record.timestamp()).append('\t');
          record.headers().forEach(header -> out.append(header.key()).append(':').append(text(header.value())).append(','));
          out.append('\t').append(record.key()).append('\t').append(record.value()).append('\n');
          left--;
        }
      }
    }
    System.out.print(out);
  }

  static String text(byte[] bytes) {
    return bytes == null ? "null" : new String(bytes, StandardCharsets.UTF_8);
  }
}
