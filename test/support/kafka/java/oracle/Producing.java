import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongFunction;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The producer's side: given or generated records, transactions, and producers that run in the background until told to stop. */
final class Producing {
    private static final Map<Integer, Live> LIVE = new ConcurrentHashMap<>();
    private static final AtomicInteger LIVE_IDS = new AtomicInteger();

    static void register(Map<String, JsonLines.Command> commands) {
        commands.put("produce", Producing::produce);
        commands.put("startLive", line -> {
            int live = LIVE_IDS.incrementAndGet();
            Live started = new Live(line);
            LIVE.put(live, started);
            started.tally.first.await();
            if (started.tally.firstError.get() != null) throw started.tally.firstError.get();
            return JsonLines.JSON.createObjectNode().put("live", live);
        });
        commands.put("liveStatus", line -> LIVE.get(line.get("live").asInt()).tally.toJson());
        commands.put("stopLive", line -> LIVE.remove(line.get("live").asInt()).stop());
    }

    static KafkaProducer<byte[], byte[]> producer(JsonNode line, Map<String, String> ours) {
        return new KafkaProducer<>(KafkaOracle.settings(line, ours), new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static JsonNode produce(JsonNode line) throws Exception {
        LongFunction<ProducerRecord<byte[], byte[]>> records;
        long count;
        if (line.has("records")) {
            List<ProducerRecord<byte[], byte[]>> given = given(line);
            records = index -> given.get((int) index);
            count = given.size();
        } else {
            records = new Generator(line);
            count = line.get("count").asLong();
        }
        JsonNode transaction = line.path("transaction");
        Tally tally = new Tally();
        ArrayNode offsets = JsonLines.JSON.createArrayNode();
        Map<String, String> ours = transaction.isObject() ? Map.of("transactional.id", transaction.get("id").asText()) : Map.of();
        try (KafkaProducer<byte[], byte[]> producer = producer(line, ours)) {
            if (transaction.isObject()) {
                producer.initTransactions();
                long size = transaction.path("size").asLong(count);
                long abortEvery = transaction.path("abortEvery").asLong(0);
                for (long from = 0, number = 1; from < count; from += size, number++) {
                    producer.beginTransaction();
                    for (long index = from; index < Math.min(from + size, count); index++) producer.send(records.apply(index), tally);
                    producer.flush();
                    if (abortEvery > 0 && number % abortEvery == 0) producer.abortTransaction();
                    else producer.commitTransaction();
                }
            } else if (line.has("records")) {
                List<Future<RecordMetadata>> sent = new ArrayList<>();
                for (long index = 0; index < count; index++) sent.add(producer.send(records.apply(index), tally));
                producer.flush();
                for (Future<RecordMetadata> future : sent) {
                    RecordMetadata metadata = future.get();
                    offsets.addObject().put("partition", metadata.partition()).put("offset", metadata.hasOffset() ? metadata.offset() : -1);
                }
            } else {
                long flushEvery = line.path("flushEvery").asLong(Long.MAX_VALUE);
                for (long index = 0; index < count && tally.firstError.get() == null; index++) {
                    producer.send(records.apply(index), tally);
                    if ((index + 1) % flushEvery == 0) producer.flush();
                }
                producer.flush();
            }
        }
        if (tally.firstError.get() != null) throw tally.firstError.get();
        ObjectNode result = tally.toJson();
        result.set("offsets", offsets);
        return result;
    }

    private static List<ProducerRecord<byte[], byte[]>> given(JsonNode line) throws IOException {
        List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
        for (JsonNode given : line.get("records")) records.add(record(line.get("topic").asText(), given));
        return records;
    }

    static ProducerRecord<byte[], byte[]> record(String topic, JsonNode given) throws IOException {
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(
            topic,
            given.hasNonNull("partition") ? given.get("partition").asInt() : null,
            given.hasNonNull("timestamp") ? given.get("timestamp").asLong() : null,
            bytes(given.get("key")),
            bytes(given.get("value")));
        for (JsonNode header : given.path("headers")) record.headers().add(header.get("key").asText(), bytes(header.get("value")));
        return record;
    }

    private static byte[] bytes(JsonNode base64) throws IOException {
        return base64 == null || base64.isNull() ? null : base64.binaryValue();
    }

    /** Counts what the brokers acknowledged, by partition. */
    private static final class Tally implements org.apache.kafka.clients.producer.Callback {
        final AtomicReference<Exception> firstError = new AtomicReference<>();
        final CountDownLatch first = new CountDownLatch(1);
        private final Map<Integer, long[]> partitions = new TreeMap<>();
        private long acked;
        private long failed;

        @Override
        public synchronized void onCompletion(RecordMetadata metadata, Exception exception) {
            if (exception != null) {
                failed++;
                firstError.compareAndSet(null, exception);
                first.countDown();
                return;
            }
            acked++;
            long[] seen = partitions.computeIfAbsent(metadata.partition(), partition -> new long[] {0, metadata.offset(), metadata.offset()});
            seen[0]++;
            seen[1] = Math.min(seen[1], metadata.offset());
            seen[2] = Math.max(seen[2], metadata.offset());
            first.countDown();
        }

        synchronized ObjectNode toJson() {
            ObjectNode json = JsonLines.JSON.createObjectNode().put("acked", acked).put("failed", failed);
            json.put("error", firstError.get() == null ? null : firstError.get().toString());
            ArrayNode list = json.putArray("partitions");
            partitions.forEach((partition, seen) ->
                list.addObject().put("partition", partition).put("count", seen[0]).put("firstOffset", seen[1]).put("lastOffset", seen[2]));
            return json;
        }
    }

    /** A producer that writes generated records at a steady rate until it is stopped. */
    private static final class Live {
        final Tally tally = new Tally();
        private final KafkaProducer<byte[], byte[]> producer;
        private final Thread thread;
        private volatile boolean stopping;

        Live(JsonNode line) {
            producer = producer(line, Map.of());
            Generator records = new Generator(line);
            double perSecond = line.path("recordsPerSecond").asDouble(0);
            thread = new Thread(() -> {
                long start = System.nanoTime();
                try {
                    for (long index = 0; !stopping; index++) {
                        long due = perSecond == 0 ? 0 : start + (long) (index * 1e9 / perSecond) - System.nanoTime();
                        if (due > 1_000_000) Thread.sleep(due / 1_000_000);
                        producer.send(records.apply(index), tally);
                    }
                } catch (Exception exception) {
                    tally.onCompletion(null, exception);
                }
            });
            thread.setDaemon(true);
            thread.start();
        }

        /** Waits until every record is acknowledged or given up. */
        ObjectNode stop() throws InterruptedException {
            stopping = true;
            thread.join();
            producer.flush();
            producer.close(Duration.ofSeconds(30));
            return tally.toJson();
        }
    }

    private Producing() { }
}
