import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.*;

/** Makes Kafka's own client send every request that the fixtures need. Arguments: bootstrap address, prefix of topics and groups. */
public class RecordedClient {
  static final long T0 = 1_700_000_000_000L;
  static String bootstrap, prefix;

  public static void main(String[] args) throws Exception {
    bootstrap = args[0];
    prefix = args[1];
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      List<NewTopic> topics = new ArrayList<>();
      for (String name : List.of("none", "gzip", "snappy", "lz4", "zstd", "txn", "append-time", "purged")) {
        // The records are old: keep them, and keep them in one segment, for a fetch reads no further than one.
        Map<String, String> configs = new HashMap<>(Map.of("retention.ms", "-1", "segment.ms", String.valueOf(Long.MAX_VALUE)));
        if (name.equals("append-time")) configs.put("message.timestamp.type", "LogAppendTime");
        topics.add(new NewTopic(prefix + name, 1, (short) 1).configs(configs));
      }
      admin.createTopics(topics).all().get();
      admin.describeTopics(List.of(prefix + "none", prefix + "txn")).allTopicNames().get();
      admin.describeCluster().nodes().get();
      ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, prefix + "append-time");
      admin.describeConfigs(List.of(resource), new DescribeConfigsOptions().includeSynonyms(true)).all().get();

      AlterConfigOp set = new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND);
      ConfigResource purged = new ConfigResource(ConfigResource.Type.TOPIC, prefix + "purged");
      admin.incrementalAlterConfigs(Map.of(purged, List.of(set)), new AlterConfigsOptions().validateOnly(true)).all().get();
      admin.createPartitions(Map.of(prefix + "purged", NewPartitions.increaseTo(2))).all().get();

      for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) produce(prefix + codec, codec);
      produce(prefix + "append-time", "none");
      produce(prefix + "purged", "none");
      transactions();
      consume(prefix + "none", "read_uncommitted", 20);
      consume(prefix + "txn", "read_committed", 5);

      TopicPartition none = new TopicPartition(prefix + "none", 0);
      admin.listOffsets(Map.of(none, OffsetSpec.latest())).all().get();
      admin.listOffsets(Map.of(none, OffsetSpec.forTimestamp(T0 + 5000))).all().get();
      admin.listGroups().all().get();
      admin.describeClassicGroups(List.of(prefix + "group")).all().get();
      admin.listConsumerGroupOffsets(prefix + "group").partitionsToOffsetAndMetadata().get();
      admin.alterConsumerGroupOffsets(prefix + "group", Map.of(none, new OffsetAndMetadata(7, Optional.of(0), "seven"))).all().get();
      admin.deleteConsumerGroupOffsets(prefix + "group", Set.of(none)).all().get();
      admin.describeProducers(List.of(new TopicPartition(prefix + "txn", 0))).all().get();
      TransactionDescription transaction = admin.describeTransactions(List.of(prefix + "txn-id")).description(prefix + "txn-id").get();
      // Only this one: a broker that others use too knows many.
      admin.listTransactions(new ListTransactionsOptions().filterProducerIds(Set.of(transaction.producerId()))).all().get();
      admin.deleteRecords(Map.of(new TopicPartition(prefix + "purged", 0), RecordsToDelete.beforeOffset(4))).all().get();
      // A marker is taken whether or not the partition has something open.
      admin.abortTransaction(new AbortTransactionSpec(new TopicPartition(prefix + "purged", 0), transaction.producerId(), (short) transaction.producerEpoch(), 0)).all().get();
      admin.deleteConsumerGroups(List.of(prefix + "group")).all().get();
    }
  }

  static Properties producerConfig(String codec) {
    Properties config = new Properties();
    config.putAll(Map.of("bootstrap.servers", bootstrap, "compression.type", codec, "linger.ms", "500"));
    return config;
  }

  static ProducerRecord<byte[], byte[]> record(String topic, int i) {
    byte[] key = i % 5 == 0 ? null : bytes("key-" + i);
    byte[] value = i % 7 == 3 ? null : bytes(("value-" + i + " ").repeat(10));
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, 0, T0 + i * 1000L, key, value);
    if (i % 4 == 1) record.headers().add("name", bytes("é" + i)).add("none", null).add("name", new byte[0]);
    return record;
  }

  static void produce(String topic, String codec) {
    try (var producer = new KafkaProducer<>(producerConfig(codec), new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int i = 0; i < 20; i++) producer.send(record(topic, i));
      producer.flush();
    }
  }

  /** Offsets of the topic: 0-2 committed, 3 marker, 4-6 aborted (5 has a key of four zero bytes), 7 marker, 8-9 committed, 10 marker. */
  @SuppressWarnings("removal")
  static void transactions() {
    Properties config = producerConfig("none");
    config.put("transactional.id", prefix + "txn-id");
    try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.initTransactions();
      producer.beginTransaction();
      for (int i = 1; i <= 3; i++) producer.send(record(prefix + "txn", i));
      producer.commitTransaction();
      producer.beginTransaction();
      producer.send(record(prefix + "txn", 4));
      producer.send(new ProducerRecord<>(prefix + "txn", 0, T0, new byte[4], bytes("aborted")));
      producer.send(record(prefix + "txn", 6));
      producer.flush();
      producer.abortTransaction();
      producer.beginTransaction();
      for (int i = 8; i <= 9; i++) producer.send(record(prefix + "txn", i));
      producer.sendOffsetsToTransaction(Map.of(new TopicPartition(prefix + "none", 0), new OffsetAndMetadata(3, "three")), new ConsumerGroupMetadata(prefix + "group"));
      producer.commitTransaction();
    }
  }

  static void consume(String topic, String isolation, int wanted) {
    Properties config = new Properties();
    config.putAll(Map.of("bootstrap.servers", bootstrap, "group.id", prefix + "group", "auto.offset.reset", "earliest",
        "isolation.level", isolation, "enable.auto.commit", "false", "group.protocol", "classic", "heartbeat.interval.ms", "300"));
    try (var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(topic));
      while (consumer.assignment().isEmpty()) consumer.poll(Duration.ofMillis(100));
      // A position with an epoch is validated: it may have been cut off since.
      for (TopicPartition partition : consumer.assignment()) consumer.seek(partition, new OffsetAndMetadata(0, Optional.of(0), ""));
      int seen = 0;
      while (seen < wanted) seen += consumer.poll(Duration.ofMillis(100)).count();
      for (int i = 0; i < 4; i++) consumer.poll(Duration.ofMillis(100));
      consumer.commitSync();
      consumer.committed(consumer.assignment());
      consumer.offsetsForTimes(Map.of(new TopicPartition(topic, 0), T0 + 1000));
    }
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
