import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Properties;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;
import org.apache.kafka.streams.test.TestRecord;

/**
 * The topologies of core-scenarios.ts in Kafka Streams under its TopologyTestDriver. Reads a line for each run,
 * `topology store fill chunk file`, and answers each with a line of JSON; ends with its standard input.
 */
public final class CoreBench {
    @JsonPropertyOrder({"user", "page", "ms"})
    public static final class Click {
        public String user;
        public String page;
        public long ms;
    }

    @JsonPropertyOrder({"user", "page", "ms", "bucket"})
    public static final class BucketedClick {
        public String user;
        public String page;
        public long ms;
        public long bucket;
    }

    @JsonPropertyOrder({"sum", "count"})
    public static final class Load {
        public long sum;
        public long count;
    }

    @JsonPropertyOrder({"page", "ms", "otherPage", "otherMs"})
    public static final class Pair {
        public String page;
        public long ms;
        public String otherPage;
        public long otherMs;
    }

    @JsonPropertyOrder({"customer", "amount"})
    public static final class Order {
        public String customer;
        public long amount;
    }

    @JsonPropertyOrder({"name", "tier"})
    public static final class Customer {
        public String name;
        public long tier;
    }

    @JsonPropertyOrder({"amount", "name", "tier"})
    public static final class Priced {
        public long amount;
        public String name;
        public long tier;
    }

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static <T> Serde<T> json(final Class<T> type) {
        final var writer = MAPPER.writerFor(type);
        final var reader = MAPPER.readerFor(type);
        final Serializer<T> serializer = (topic, value) -> {
            try {
                return value == null ? null : writer.writeValueAsBytes(value);
            } catch (final IOException error) {
                throw new IllegalStateException(error);
            }
        };
        final Deserializer<T> deserializer = (topic, bytes) -> {
            try {
                return bytes == null ? null : reader.readValue(bytes);
            } catch (final IOException error) {
                throw new IllegalStateException(error);
            }
        };
        return Serdes.serdeFrom(serializer, deserializer);
    }

    private static final Serde<String> STRING = Serdes.String();
    private static final Serde<Click> CLICK = json(Click.class);
    private static final Serde<Long> NUMBER = json(Long.class);

    private static StreamsBuilder build(final String topology) {
        final StreamsBuilder builder = new StreamsBuilder();
        final Consumed<String, Click> clicks = Consumed.with(STRING, CLICK);
        switch (topology) {
            case "map-filter" -> builder.stream("clicks", clicks)
                .filter((user, click) -> click.ms % 2 == 0)
                .mapValues(click -> {
                    final BucketedClick bucketed = new BucketedClick();
                    bucketed.user = click.user;
                    bucketed.page = click.page;
                    bucketed.ms = click.ms;
                    bucketed.bucket = click.ms / 10;
                    return bucketed;
                })
                .to("out", Produced.with(STRING, json(BucketedClick.class)));
            case "count" -> builder.stream("clicks", clicks)
                .groupByKey(Grouped.with(STRING, CLICK))
                .count(Materialized.with(STRING, NUMBER))
                .toStream()
                .to("out", Produced.with(STRING, NUMBER));
            case "tumbling-average" -> builder.stream("clicks", clicks)
                .groupBy((user, click) -> click.page, Grouped.with(STRING, CLICK))
                .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMinutes(1), Duration.ofSeconds(10)))
                .aggregate(Load::new, (page, click, load) -> {
                    load.sum += click.ms;
                    load.count++;
                    return load;
                }, Materialized.with(STRING, json(Load.class)))
                .toStream()
                .map((window, load) ->
                    KeyValue.pair(window.key() + "@" + window.window().start(), load.sum / load.count))
                .to("out", Produced.with(STRING, NUMBER));
            case "session" -> builder.stream("clicks", clicks)
                .groupByKey(Grouped.with(STRING, CLICK))
                .windowedBy(SessionWindows.ofInactivityGapAndGrace(Duration.ofSeconds(30), Duration.ofSeconds(5)))
                .count(Materialized.with(STRING, NUMBER))
                .toStream()
                .map((window, count) -> KeyValue.pair(
                    window.key() + "@" + window.window().start() + "-" + window.window().end(), count))
                .to("out", Produced.with(STRING, NUMBER));
            case "stream-join" -> builder.stream("clicks", clicks)
                .join(
                    builder.stream("views", clicks),
                    (click, view) -> {
                        final Pair pair = new Pair();
                        pair.page = click.page;
                        pair.ms = click.ms;
                        pair.otherPage = view.page;
                        pair.otherMs = view.ms;
                        return pair;
                    },
                    JoinWindows.ofTimeDifferenceAndGrace(Duration.ofSeconds(30), Duration.ofSeconds(5)),
                    StreamJoined.with(STRING, CLICK, CLICK))
                .to("out", Produced.with(STRING, json(Pair.class)));
            case "foreign-key-join" -> {
                final KTable<String, Order> orders =
                    builder.table("orders", Consumed.with(STRING, json(Order.class)));
                final KTable<String, Customer> customers =
                    builder.table("customers", Consumed.with(STRING, json(Customer.class)));
                orders.join(
                    customers,
                    (Order order) -> order.customer,
                    (Order order, Customer customer) -> {
                        final Priced priced = new Priced();
                        priced.amount = order.amount;
                        priced.name = customer.name;
                        priced.tier = customer.tier;
                        return priced;
                    },
                    Materialized.with(STRING, json(Priced.class)))
                    .toStream()
                    .to("out", Produced.with(STRING, json(Priced.class)));
            }
            default -> throw new IllegalArgumentException("There is no topology " + topology);
        }
        return builder;
    }

    private static final class Records {
        final String[] topics;
        final byte[] topicOf;
        final long[] timestamps;
        final byte[][] keys;
        final byte[][] values;

        Records(final Path file) throws IOException {
            try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
                topics = new String[in.readInt()];
                for (int i = 0; i < topics.length; i++) topics[i] = in.readUTF();
                final int count = in.readInt();
                topicOf = new byte[count];
                timestamps = new long[count];
                keys = new byte[count][];
                values = new byte[count][];
                for (int i = 0; i < count; i++) {
                    topicOf[i] = in.readByte();
                    timestamps[i] = in.readLong();
                    keys[i] = in.readNBytes(in.readInt());
                    values[i] = in.readNBytes(in.readInt());
                }
            }
        }
    }

    private static String run(final String topology, final String store, final int fill, final int chunk,
                              final Path file) throws IOException {
        final Records records = new Records(file);
        final Path stateDir = Files.createTempDirectory("core-bench-java-");
        final Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, "core-bench");
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:9092");
        config.put(StreamsConfig.STATE_DIR_CONFIG, stateDir.toString());
        config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        if (store.equals("memory")) {
            config.put(StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG,
                BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class);
        }
        final var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long nanos = 0;
        long cpuNanos = 0;
        long outputs = 0;
        final CRC32 crc = new CRC32();
        try (TopologyTestDriver driver = new TopologyTestDriver(build(topology).build(config), config)) {
            final ByteArraySerializer serializer = new ByteArraySerializer();
            @SuppressWarnings("unchecked")
            final TestInputTopic<byte[], byte[]>[] inputs = new TestInputTopic[records.topics.length];
            for (int i = 0; i < inputs.length; i++) {
                inputs[i] = driver.createInputTopic(records.topics[i], serializer, serializer);
            }
            final ByteArrayDeserializer deserializer = new ByteArrayDeserializer();
            final TestOutputTopic<byte[], byte[]> output =
                driver.createOutputTopic("out", deserializer, deserializer);
            final int count = records.keys.length;
            for (int from = 0; from < count; ) {
                // The time of the first part, in which windows fill, does not count.
                final int to = Math.min(from < fill ? fill : count, from + chunk);
                final long cpuBefore = system.getProcessCpuTime();
                final long before = System.nanoTime();
                for (int i = from; i < to; i++) {
                    inputs[records.topicOf[i]].pipeInput(records.keys[i], records.values[i], records.timestamps[i]);
                }
                if (from >= fill) {
                    nanos += System.nanoTime() - before;
                    cpuNanos += system.getProcessCpuTime() - cpuBefore;
                }
                while (!output.isEmpty()) {
                    final TestRecord<byte[], byte[]> record = output.readRecord();
                    if (from >= fill) outputs++;
                    update(crc, record.key());
                    update(crc, record.value());
                    crc.update(ByteBuffer.allocate(8).putLong(0, record.timestamp()));
                }
                from = to;
            }
        } finally {
            delete(stateDir);
        }
        return "{\"nanos\":" + nanos + ",\"cpuNanos\":" + cpuNanos + ",\"outputs\":" + outputs
            + ",\"checksum\":" + crc.getValue() + "}";
    }

    private static void update(final CRC32 crc, final byte[] bytes) {
        crc.update(ByteBuffer.allocate(4).putInt(0, bytes == null ? -1 : bytes.length));
        if (bytes != null) crc.update(bytes);
    }

    private static void delete(final Path dir) throws IOException {
        try (Stream<Path> paths = Files.walk(dir)) {
            for (final Path path : (Iterable<Path>) paths.sorted(Comparator.reverseOrder())::iterator) {
                Files.delete(path);
            }
        }
    }

    public static void main(final String[] args) throws IOException {
        final BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            final String[] words = line.split(" ", 5);
            System.out.println(run(words[0], words[1], Integer.parseInt(words[2]), Integer.parseInt(words[3]),
                Path.of(words[4])));
            System.out.flush();
        }
    }
}
