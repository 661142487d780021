import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.*;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

/**
 * Somebody else's client, with Apicurio's serializer in the format of Confluent. Arguments: bootstrap address, address of the registry's own
 * API, topic, then `produce` with a file of a schema and one of records (a line of key, tab, Avro's JSON each), or `consume` with a
 * count: prints a line of key, tab, value per record.
 */
public class AvroClient {
  public static void main(String[] args) throws Exception {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", args[0]);
    config.put("apicurio.registry.url", args[1]);
    config.put("apicurio.registry.auto-register", true);
    config.put("apicurio.registry.as-confluent", true);
    config.put("apicurio.registry.use-id", "contentId");
    config.put("apicurio.registry.headers.enabled", false);
    if (args[3].equals("produce")) produce(config, args[2], args[4], args[5]);
    else consume(config, args[2], Integer.parseInt(args[4]));
  }

  static void produce(Map<String, Object> config, String topic, String schemaFile, String recordFile) throws Exception {
    Schema schema = new Schema.Parser().parse(Files.readString(Path.of(schemaFile)));
    Serializer<GenericRecord> values = new AvroKafkaSerializer<>();
    values.configure(config, false);
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), values)) {
      long timestamp = 1_700_000_000_000L;
      for (String line : Files.readAllLines(Path.of(recordFile))) {
        String[] parts = line.split("\t");
        var decoder = DecoderFactory.get().jsonDecoder(schema, parts[1]);
        GenericRecord value = new GenericDatumReader<GenericRecord>(schema).read(null, decoder);
        producer.send(new ProducerRecord<>(topic, null, timestamp++, parts[0], value)).get();
      }
    }
  }

  static void consume(Map<String, Object> config, String topic, int count) {
    Deserializer<GenericRecord> values = new AvroKafkaDeserializer<>();
    values.configure(config, false);
    config.putAll(Map.of("auto.offset.reset", "earliest", "isolation.level", "read_committed"));
    config.putAll(Map.of("group.id", topic + "-java", "enable.auto.commit", "false"));
    try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), values)) {
      consumer.subscribe(List.of(topic));
      for (int seen = 0; seen < count; ) {
        for (var record : consumer.poll(Duration.ofMillis(500))) {
          seen++;
          System.out.println(record.key() + "\t" + record.value());
        }
      }
    }
  }
}
