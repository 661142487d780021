import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Kafka Streams on the benchmark's workloads, under the worker contract of ../README.md: one thread, RocksDB, Jackson on plain classes,
 * defaults but for the cache where CACHE_BYTES is set. Each workload does what ../workloads.ts does, with the same fields.
 */
public final class StreamsWorker {
    public static final class Click {
        public String user;
        public String page;
        public int ms;
        public long ts;
        public String ref;
    }

    public static final class BucketedClick {
        public String user;
        public String page;
        public int ms;
        public long ts;
        public int bucket;
    }

    public static final class User {
        public String user;
        public String name;
        public String country;
        public int tier;
    }

    public static final class EnrichedClick {
        public String user;
        public String page;
        public int ms;
        public long ts;
        public String country;
        public int tier;
    }

    public static final class Load {
        public long sum;
        public long count;
    }

    public static final class Average {
        public double avg;
        public long count;
    }

    public static final class Latest {
        public String user;
        public String page;
        public long n;
    }

    private static final ObjectMapper MAPPER =
            new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);
    private static final long EXPECTED = Long.parseLong(required("EXPECTED_RECORDS"));
    private static final String INPUT = required("INPUT");
    private static final String OUTPUT = required("OUTPUT");
    private static final int UNSUPPORTED = 3;

    private static final Serde<String> TEXT = Serdes.String();
    private static final Serde<Click> CLICK = json(Click.class);
    private static final Consumed<String, Click> CLICKS = Consumed.with(TEXT, CLICK);
    private static final Grouped<String, Click> BY_KEY = Grouped.with(TEXT, CLICK);

    // One stream thread processes records; nobody else touches this.
    private static long records = 0;

    public static void main(String[] args) throws InterruptedException {
        String workload = required("WORKLOAD");
        StreamsBuilder builder = new StreamsBuilder();
        switch (workload) {
            case "W1" -> filterAndMap(builder);
            case "W2", "W5" -> count(builder);
            case "W3" -> windowedAverage(builder);
            case "W4" -> join(builder);
            case "W6" -> latest(builder);
            default -> System.exit(UNSUPPORTED);
        }
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, required("APP_ID"));
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, required("BROKERS"));
        config.put(StreamsConfig.STATE_DIR_CONFIG, required("STATE_DIR"));
        config.put("auto.offset.reset", "earliest");
        if (workload.equals("W5")) config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        String cacheBytes = System.getenv("CACHE_BYTES");
        if (cacheBytes != null) config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, cacheBytes);
        run(new KafkaStreams(builder.build(), config));
    }

    private static void filterAndMap(StreamsBuilder builder) {
        builder.stream(INPUT, CLICKS)
                .peek((user, click) -> onRecord())
                .filter((user, click) -> click.ms % 2 == 0)
                .mapValues(click -> {
                    BucketedClick bucketed = new BucketedClick();
                    bucketed.user = click.user;
                    bucketed.page = click.page;
                    bucketed.ms = click.ms;
                    bucketed.ts = click.ts;
                    bucketed.bucket = click.ms / 10;
                    return bucketed;
                })
                .to(OUTPUT, Produced.with(TEXT, json(BucketedClick.class)));
    }

    private static void count(StreamsBuilder builder) {
        builder.stream(INPUT, CLICKS)
                .peek((user, click) -> onRecord())
                .groupByKey(BY_KEY)
                .count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("clicks-by-user"))
                .toStream()
                .mapValues(String::valueOf)
                .to(OUTPUT, Produced.with(TEXT, TEXT));
    }

    private static void windowedAverage(StreamsBuilder builder) {
        KStream<String, Click> byPage = builder.stream(INPUT, CLICKS)
                .selectKey((user, click) -> click.page)
                .repartition(Repartitioned.<String, Click>as("by-page").withKeySerde(TEXT).withValueSerde(CLICK));
        byPage.groupByKey(BY_KEY)
                .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMinutes(5), Duration.ofSeconds(10)))
                .aggregate(
                        Load::new,
                        (page, click, load) -> {
                            onRecord();
                            Load next = new Load();
                            next.sum = load.sum + click.ms;
                            next.count = load.count + 1;
                            return next;
                        },
                        Materialized.<String, Load, WindowStore<Bytes, byte[]>>as("page-load")
                                .withKeySerde(TEXT)
                                .withValueSerde(json(Load.class)))
                .toStream((window, load) -> window.key() + "@" + window.window().start())
                .mapValues(load -> {
                    Average average = new Average();
                    average.avg = (double) load.sum / load.count;
                    average.count = load.count;
                    return average;
                })
                .to(OUTPUT, Produced.with(TEXT, json(Average.class)));
    }

    private static void join(StreamsBuilder builder) {
        Serde<User> user = json(User.class);
        KTable<String, User> users = builder.table(
                required("TABLE"),
                Consumed.with(TEXT, user),
                Materialized.<String, User, KeyValueStore<Bytes, byte[]>>as("users")
                        .withKeySerde(TEXT)
                        .withValueSerde(user));
        builder.stream(INPUT, CLICKS)
                .peek((key, click) -> onRecord())
                .join(
                        users,
                        (click, row) -> {
                            EnrichedClick enriched = new EnrichedClick();
                            enriched.user = click.user;
                            enriched.page = click.page;
                            enriched.ms = click.ms;
                            enriched.ts = click.ts;
                            enriched.country = row.country;
                            enriched.tier = row.tier;
                            return enriched;
                        },
                        Joined.with(TEXT, CLICK, user))
                .to(OUTPUT, Produced.with(TEXT, json(EnrichedClick.class)));
    }

    private static void latest(StreamsBuilder builder) {
        Serde<Latest> serde = json(Latest.class);
        builder.stream(INPUT, CLICKS)
                .peek((user, click) -> onRecord())
                .groupByKey(BY_KEY)
                .aggregate(
                        () -> null,
                        (user, click, last) -> {
                            Latest next = new Latest();
                            next.user = click.user;
                            next.page = click.page;
                            next.n = last == null ? 1 : last.n + 1;
                            return next;
                        },
                        Materialized.<String, Latest, KeyValueStore<Bytes, byte[]>>as("latest")
                                .withKeySerde(TEXT)
                                .withValueSerde(serde))
                .toStream()
                .to(OUTPUT, Produced.with(TEXT, serde));
    }

    private static void run(KafkaStreams streams) throws InterruptedException {
        streams.setGlobalStateRestoreListener(new StateRestoreListener() {
            @Override
            public void onRestoreStart(TopicPartition partition, String store, long from, long to) {
                say("RESTORE_START");
            }

            @Override
            public void onBatchRestored(TopicPartition partition, String store, long end, long count) {}

            @Override
            public void onRestoreEnd(TopicPartition partition, String store, long count) {
                say("RESTORE_END");
            }
        });
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });
        CountDownLatch closed = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close(Duration.ofMinutes(2));
            closed.countDown();
        }));
        streams.start();
        closed.await();
    }

    private static void onRecord() {
        records++;
        if (records == 1) say("FIRST_RECORD");
        if (records == EXPECTED) say("LAST_RECORD");
    }

    private static synchronized void say(String mark) {
        System.out.println(mark + " " + System.currentTimeMillis());
    }

    private static <T> Serde<T> json(Class<T> type) {
        ObjectReader reader = MAPPER.readerFor(type);
        ObjectWriter writer = MAPPER.writerFor(type);
        return Serdes.serdeFrom(
                (topic, value) -> {
                    try {
                        return value == null ? null : writer.writeValueAsBytes(value);
                    } catch (IOException error) {
                        throw new UncheckedIOException(error);
                    }
                },
                (topic, bytes) -> {
                    try {
                        return bytes == null ? null : reader.readValue(bytes);
                    } catch (IOException error) {
                        throw new UncheckedIOException(error);
                    }
                });
    }

    private static String required(String name) {
        String value = System.getenv(name);
        if (value == null || value.isEmpty()) throw new IllegalStateException("The environment variable " + name + " is missing.");
        return value;
    }
}
