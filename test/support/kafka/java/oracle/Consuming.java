import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The consumer's side: a topic from its start to the end it had when asked, as records or as one digest per partition. */
final class Consuming {
    static void register(Map<String, JsonLines.Command> commands) {
        commands.put("consume", line -> {
            ArrayNode records = JsonLines.JSON.createArrayNode();
            readAll(line, record -> records.add(toJson(record)));
            return records;
        });
        commands.put("digest", Consuming::digest);
        commands.put("offsets", line -> {
            try (KafkaConsumer<byte[], byte[]> consumer = consumer(line)) {
                List<TopicPartition> partitions = partitions(consumer, line);
                ArrayNode list = JsonLines.JSON.createArrayNode();
                Map<TopicPartition, Long> starts = consumer.beginningOffsets(partitions);
                Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
                for (TopicPartition partition : partitions) {
                    list.addObject().put("partition", partition.partition()).put("start", starts.get(partition)).put("end", ends.get(partition));
                }
                return list;
            }
        });
    }

    static KafkaConsumer<byte[], byte[]> consumer(JsonNode line) {
        Map<String, String> ours = Map.of(
            "isolation.level", line.path("isolation").asText("read_uncommitted"),
            "enable.auto.commit", "false",
            "auto.offset.reset", "none",
            "max.poll.records", "10000",
            "max.partition.fetch.bytes", "4194304");
        return new KafkaConsumer<>(KafkaOracle.settings(line, ours), new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static List<TopicPartition> partitions(KafkaConsumer<byte[], byte[]> consumer, JsonNode line) {
        String topic = line.get("topic").asText();
        return consumer.partitionsFor(topic).stream().map(info -> new TopicPartition(topic, info.partition()))
            .sorted((a, b) -> a.partition() - b.partition()).toList();
    }

    private static void readAll(JsonNode line, Consumer<ConsumerRecord<byte[], byte[]>> sink) throws TimeoutException {
        long patience = line.path("timeoutMs").asLong(60_000) * 1_000_000;
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(line)) {
            List<TopicPartition> partitions = partitions(consumer, line);
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            long progress = System.nanoTime();
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                var polled = consumer.poll(Duration.ofMillis(200));
                for (ConsumerRecord<byte[], byte[]> record : polled) {
                    // Live producers go on writing behind the end that was asked for.
                    if (record.offset() < ends.get(new TopicPartition(record.topic(), record.partition()))) sink.accept(record);
                }
                if (!polled.isEmpty()) progress = System.nanoTime();
                else if (System.nanoTime() - progress > patience) throw new TimeoutException("no record for " + patience / 1_000_000 + " ms");
            }
        }
    }

    static ObjectNode toJson(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode json = JsonLines.JSON.createObjectNode()
            .put("partition", record.partition()).put("offset", record.offset())
            .put("key", record.key()).put("value", record.value())
            .put("timestamp", record.timestamp()).put("timestampType", record.timestampType().name);
        ArrayNode headers = json.putArray("headers");
        for (Header header : record.headers()) headers.addObject().put("key", header.key()).put("value", header.value());
        return json;
    }

    /** The digest runs over (offset, timestamp, timestamp type, key, value, headers) of every record; leader epochs differ between clusters. */
    private static JsonNode digest(JsonNode line) throws Exception {
        Map<Integer, PartitionDigest> digests = new TreeMap<>();
        readAll(line, record -> digests.computeIfAbsent(record.partition(), partition -> new PartitionDigest()).add(record));
        ArrayNode list = JsonLines.JSON.createArrayNode();
        digests.forEach((partition, digest) -> list.addObject().put("partition", partition).put("count", digest.count)
            .put("bytes", digest.bytes).put("firstOffset", digest.first).put("lastOffset", digest.last)
            .put("sha256", HexFormat.of().formatHex(digest.sha.digest())));
        return list;
    }

    private static final class PartitionDigest {
        final MessageDigest sha = sha256();
        long count;
        long bytes;
        long first = -1;
        long last = -1;

        void add(ConsumerRecord<byte[], byte[]> record) {
            if (count++ == 0) first = record.offset();
            last = record.offset();
            sha.update(ByteBuffer.allocate(17).putLong(record.offset()).putLong(record.timestamp())
                .put((byte) (record.timestampType() == TimestampType.LOG_APPEND_TIME ? 1 : 0)).flip());
            field(record.key());
            field(record.value());
            for (Header header : record.headers()) {
                field(header.key().getBytes(StandardCharsets.UTF_8));
                field(header.value());
            }
            sha.update((byte) 0xff);
        }

        private void field(byte[] content) {
            sha.update(ByteBuffer.allocate(4).putInt(content == null ? -1 : content.length).flip());
            if (content == null) return;
            bytes += content.length;
            sha.update(content);
        }

        private static MessageDigest sha256() {
            try {
                return MessageDigest.getInstance("SHA-256");
            } catch (java.security.NoSuchAlgorithmException impossible) {
                throw new IllegalStateException(impossible);
            }
        }
    }

    private Consuming() { }
}
