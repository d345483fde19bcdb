import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.function.LongFunction;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Record number n of a described stream: the same description and n give the same record on every run. */
final class Generator implements LongFunction<ProducerRecord<byte[], byte[]>> {
    private static final int POOL = 1 << 22;
    private static final String[] WORDS = "offset leader epoch mirror batch broker replica topic commit fetch append record".split(" ");

    private final String topic;
    private final int partitions;
    private final long seed;
    private final int minValue;
    private final int maxValue;
    private final long keys;
    private final int headers;
    private final long nullValueEvery;
    private final Long timestamp;
    private final long timestampStep;
    private final byte[] pool = new byte[POOL];

    Generator(JsonNode line) {
        topic = line.get("topic").asText();
        partitions = line.path("partitions").asInt(1);
        seed = line.path("seed").asLong(1);
        minValue = line.path("valueBytes").asInt(100);
        maxValue = line.path("maxValueBytes").asInt(minValue);
        keys = line.path("keys").asLong(0);
        headers = line.path("headers").asInt(0);
        nullValueEvery = line.path("nullValueEvery").asLong(0);
        timestamp = line.hasNonNull("timestamp") ? line.get("timestamp").asLong() : null;
        timestampStep = line.path("timestampStep").asLong(1);
        fill(new SplittableRandom(seed), line.path("random").asBoolean(false));
    }

    /** Words, which compress about as application data does, or bytes that do not compress at all. */
    private void fill(SplittableRandom random, boolean incompressible) {
        if (incompressible) {
            random.nextBytes(pool);
            return;
        }
        for (int at = 0; at < POOL; ) {
            byte[] word = (WORDS[random.nextInt(WORDS.length)] + random.nextInt(10_000) + ' ').getBytes(StandardCharsets.US_ASCII);
            int length = Math.min(word.length, POOL - at);
            System.arraycopy(word, 0, pool, at, length);
            at += length;
        }
    }

    @Override
    public ProducerRecord<byte[], byte[]> apply(long index) {
        SplittableRandom random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + index);
        byte[] value = new byte[minValue + random.nextInt(maxValue - minValue + 1)];
        System.arraycopy(pool, random.nextInt(POOL - Math.min(value.length, POOL - 1)), value, 0, Math.min(value.length, POOL - 1));
        byte[] mark = (seed + ":" + index + ' ').getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(mark, 0, value, 0, Math.min(mark.length, value.length));
        boolean tombstone = nullValueEvery > 0 && index % nullValueEvery == nullValueEvery - 1;
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(
            topic,
            (int) (index % partitions),
            timestamp == null ? null : timestamp + index * timestampStep,
            keys == 0 ? null : ("key-" + random.nextLong(keys)).getBytes(StandardCharsets.US_ASCII),
            tombstone ? null : value);
        for (int header = 0; header < headers; header++) {
            record.headers().add("header-" + header, header % 3 == 2 ? null : ("v" + index).getBytes(StandardCharsets.US_ASCII));
        }
        return record;
    }
}
