import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;

/** What a consumer of one isolation level sees of many partitions, kept as one digest per record, and the comparison of two such views. */
final class Views {
    private static final Map<String, List<View>> KEPT = new ConcurrentHashMap<>();

    static void register(Map<String, JsonLines.Command> commands) {
        commands.put("view", Views::view);
        commands.put("compareViews", Views::compare);
        commands.put("dropView", line -> {
            KEPT.remove(line.get("view").asText());
            return NullNode.instance;
        });
        commands.put("bounds", Views::bounds);
        commands.put("recordAt", Views::recordAt);
    }

    private static List<View> kept(JsonNode name) {
        List<View> views = KEPT.get(name.asText());
        if (views == null) throw new IllegalArgumentException("no view " + name);
        return views;
    }

    static List<TopicPartition> partitions(JsonNode line) {
        List<TopicPartition> partitions = new ArrayList<>();
        for (JsonNode one : line.get("partitions")) partitions.add(new TopicPartition(one.get("topic").asText(), one.get("partition").asInt()));
        return partitions;
    }

    /** Keeps the views under their name; answers with where each log begins and ends, in the order of the partitions. */
    static ArrayNode keep(String name, List<View> views) {
        KEPT.put(name, views);
        ArrayNode list = JsonLines.JSON.createArrayNode();
        for (View view : views) list.addObject().put("start", view.start).put("end", view.end).put("count", view.count);
        return list;
    }

    private static JsonNode view(JsonNode line) throws TimeoutException {
        List<TopicPartition> partitions = partitions(line);
        try (KafkaConsumer<byte[], byte[]> consumer = Consuming.consumer(line)) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> starts = consumer.beginningOffsets(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            Map<TopicPartition, View> views = new HashMap<>();
            for (TopicPartition partition : partitions) views.put(partition, new View(starts.get(partition), ends.get(partition)));
            readTo(consumer, ends, views, line.path("timeoutMs").asLong(60_000));
            return keep(line.get("view").asText(), partitions.stream().map(views::get).toList());
        }
    }

    /** Log starts and ends, without reading; in the order of the partitions. */
    private static JsonNode bounds(JsonNode line) {
        List<TopicPartition> partitions = partitions(line);
        try (KafkaConsumer<byte[], byte[]> consumer = Consuming.consumer(line)) {
            Map<TopicPartition, Long> starts = consumer.beginningOffsets(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            ArrayNode list = JsonLines.JSON.createArrayNode();
            for (TopicPartition partition : partitions) list.addObject().put("start", starts.get(partition)).put("end", ends.get(partition));
            return list;
        }
    }

    /** Reads until every position has reached its end. */
    static void readTo(KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends, Map<TopicPartition, View> views, long timeoutMs) throws TimeoutException {
        long deadline = System.nanoTime() + timeoutMs * 1_000_000;
        while (true) {
            List<TopicPartition> behind = ends.keySet().stream().filter(partition -> consumer.position(partition) < ends.get(partition)).toList();
            if (behind.isEmpty()) return;
            var polled = consumer.poll(Duration.ofMillis(100));
            for (ConsumerRecord<byte[], byte[]> record : polled) views.get(new TopicPartition(record.topic(), record.partition())).add(record);
            if (!polled.isEmpty()) deadline = Math.max(deadline, System.nanoTime() + timeoutMs * 1_000_000);
            else if (System.nanoTime() > deadline) {
                TopicPartition first = behind.get(0);
                throw new TimeoutException(behind.size() + " partitions are not read to their end, " + first + " is at " + consumer.position(first) + " of " + ends.get(first));
            }
        }
    }

    /**
     * For every pair of views that is not equal: the first offset that only one side has, or at which both have other records; −1 for none.
     * With "cleaned", records that only one side has do not count if a log cleaner may have taken them from the other: with "records" those for
     * which there is a newer one of their key, with "tombstones" these as well. With "committed", the same of a read_committed consumer of each side,
     * neither do aborted records, which a cleaner takes as soon as their marker is clean.
     */
    private static JsonNode compare(JsonNode line) {
        List<View> expected = kept(line.get("expected"));
        List<View> actual = kept(line.get("actual"));
        boolean cleaned = line.hasNonNull("cleaned");
        boolean tombstones = cleaned && line.get("cleaned").asText().equals("tombstones");
        JsonNode committed = cleaned && line.hasNonNull("committed") ? line.get("committed") : null;
        List<View> expectedCommitted = committed == null ? expected : kept(committed.get("expected"));
        List<View> actualCommitted = committed == null ? actual : kept(committed.get("actual"));
        if (expected.size() != actual.size()) throw new IllegalArgumentException(expected.size() + " views against " + actual.size());
        ArrayNode list = JsonLines.JSON.createArrayNode();
        for (int index = 0; index < expected.size(); index++) {
            View one = expected.get(index);
            View other = actual.get(index);
            View oneCommitted = expectedCommitted.get(index);
            View otherCommitted = actualCommitted.get(index);
            Map<Long, Long> latest = new HashMap<>();
            if (cleaned) for (View view : List.of(one, other)) view.addLatest(latest);
            long missing = -1;
            long extra = -1;
            long changed = -1;
            int i = 0;
            int j = 0;
            while (i < one.count || j < other.count) {
                long left = i < one.count ? one.offset(i) : Long.MAX_VALUE;
                long right = j < other.count ? other.offset(j) : Long.MAX_VALUE;
                if (left < right && missing < 0 && !(cleaned && (one.mayBeCleaned(i, latest, tombstones) || !oneCommitted.has(left)))) missing = left;
                if (right < left && extra < 0 && !(cleaned && (other.mayBeCleaned(j, latest, tombstones) || !otherCommitted.has(right)))) extra = right;
                if (left == right && changed < 0 && !one.sameContent(i, other, j)) changed = left;
                if (left <= right) i++;
                if (right <= left) j++;
            }
            if (missing < 0 && extra < 0 && changed < 0) continue;
            list.addObject().put("index", index).put("missing", missing).put("extra", extra).put("changed", changed);
        }
        return list;
    }

    /** The first record at or after an offset; null at the end. */
    private static JsonNode recordAt(JsonNode line) {
        TopicPartition partition = new TopicPartition(line.get("topic").asText(), line.get("partition").asInt());
        try (KafkaConsumer<byte[], byte[]> consumer = Consuming.consumer(line)) {
            consumer.assign(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            consumer.seek(partition, Math.max(line.get("offset").asLong(), consumer.beginningOffsets(List.of(partition)).get(partition)));
            while (consumer.position(partition) < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) return Consuming.toJson(record);
            }
            return NullNode.instance;
        }
    }

    /** One partition. Timestamp types are left out: a mirror shows the broker's times of its source as times of creation. */
    static final class View {
        private static final int LONGS = 4;
        /** The key of records that every log cleaner takes. */
        private static final long NO_KEY = 0;
        private static final int FIELDS = 8;
        private final MessageDigest sha = sha256();
        final long start;
        long end;
        int count;
        /** Offset, 128 bits of the digest, and 63 bits of the digest of the key of each record; negative for tombstones. */
        private long[] records = new long[64 * LONGS];

        View(long start, long end) {
            this.start = start;
            this.end = end;
        }

        long offset(int index) {
            return records[index * LONGS];
        }

        boolean has(long offset) {
            int low = 0;
            int high = count;
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (offset(middle) < offset) low = middle + 1;
                else high = middle;
            }
            return low < count && offset(low) == offset;
        }

        boolean sameContent(int index, View other, int otherIndex) {
            return Arrays.equals(records, index * LONGS + 1, index * LONGS + 3, other.records, otherIndex * LONGS + 1, otherIndex * LONGS + 3);
        }

        /** The last offset of every key. */
        void addLatest(Map<Long, Long> latest) {
            for (int index = 0; index < count; index++) latest.merge(key(index), offset(index), Math::max);
        }

        boolean mayBeCleaned(int index, Map<Long, Long> latest, boolean tombstones) {
            return key(index) == NO_KEY || (tombstones && records[index * LONGS + 3] < 0) || latest.get(key(index)) > offset(index);
        }

        private long key(int index) {
            return records[index * LONGS + 3] & Long.MAX_VALUE;
        }

        void add(ConsumerRecord<byte[], byte[]> record) {
            if (count > 0 && record.offset() <= offset(count - 1)) {
                throw new IllegalStateException(record.topic() + "-" + record.partition() + ": offset " + record.offset() + " came after " + offset(count - 1));
            }
            if (record.offset() < start) {
                throw new IllegalStateException(record.topic() + "-" + record.partition() + ": offset " + record.offset() + " is below the log start " + start);
            }
            sha.update(ByteBuffer.allocate(FIELDS).putLong(record.timestamp()).flip());
            field(record.key());
            field(record.value());
            for (Header header : record.headers()) {
                field(header.key().getBytes(StandardCharsets.UTF_8));
                field(header.value());
            }
            ByteBuffer digest = ByteBuffer.wrap(sha.digest());
            if (count * LONGS == records.length) records = Arrays.copyOf(records, 2 * records.length);
            records[count * LONGS] = record.offset();
            records[count * LONGS + 1] = digest.getLong();
            records[count * LONGS + 2] = digest.getLong();
            long key = record.key() == null ? NO_KEY : ByteBuffer.wrap(sha.digest(record.key())).getLong() & Long.MAX_VALUE;
            records[count * LONGS + 3] = record.value() == null ? key | Long.MIN_VALUE : key;
            count++;
        }

        private void field(byte[] content) {
            sha.update(ByteBuffer.allocate(4).putInt(content == null ? -1 : content.length).flip());
            if (content != null) sha.update(content);
        }

        private static MessageDigest sha256() {
            try {
                return MessageDigest.getInstance("SHA-256");
            } catch (java.security.NoSuchAlgorithmException impossible) {
                throw new IllegalStateException(impossible);
            }
        }
    }

    private Views() { }
}
