import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** Consumers that read while a log is being written, and consumers of a group that read to the end and commit. */
final class Followers {
    private static final Map<String, Follower> FOLLOWING = new ConcurrentHashMap<>();

    static void register(Map<String, JsonLines.Command> commands) {
        commands.put("startFollowing", line -> {
            FOLLOWING.put(line.get("view").asText(), new Follower(line));
            return NullNode.instance;
        });
        commands.put("stopFollowing", line -> FOLLOWING.remove(line.get("view").asText()).stop(line));
        commands.put("readInGroup", Followers::readInGroup);
    }

    /** Reads from the log starts of now until it is told to stop, and then to the ends of that moment; becomes a view. */
    private static final class Follower {
        private final List<TopicPartition> partitions;
        private final Map<TopicPartition, Views.View> views = new HashMap<>();
        private final KafkaConsumer<byte[], byte[]> consumer;
        private final Thread thread;
        private volatile boolean stopping;
        private volatile RuntimeException failure;

        Follower(JsonNode line) {
            partitions = Views.partitions(line);
            consumer = Consuming.consumer(line);
            consumer.assign(partitions);
            Map<TopicPartition, Long> starts = consumer.beginningOffsets(partitions);
            starts.forEach((partition, start) -> {
                views.put(partition, new Views.View(start, start));
                consumer.seek(partition, start);
            });
            thread = new Thread(this::follow);
            thread.setDaemon(true);
            thread.start();
        }

        private void follow() {
            try {
                while (!stopping) {
                    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50))) {
                        views.get(new TopicPartition(record.topic(), record.partition())).add(record);
                    }
                }
            } catch (RuntimeException exception) {
                failure = exception;
            }
        }

        ArrayNode stop(JsonNode line) throws InterruptedException, TimeoutException {
            stopping = true;
            thread.join();
            try (consumer) {
                if (failure != null) throw failure;
                Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
                Views.readTo(consumer, ends, views, line.path("timeoutMs").asLong(60_000));
                ends.forEach((partition, end) -> views.get(partition).end = end);
                return Views.keep(line.get("view").asText(), partitions.stream().map(views::get).toList());
            }
        }
    }

    /** Subscribes, reads everything up to the ends of the beginning, commits, leaves; answers with what it committed. */
    private static JsonNode readInGroup(JsonNode line) throws TimeoutException {
        Set<TopicPartition> partitions = new HashSet<>(Views.partitions(line));
        try (KafkaConsumer<byte[], byte[]> consumer = Consuming.consumer(line)) {
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            consumer.subscribe(partitions.stream().map(TopicPartition::topic).distinct().toList());
            long deadline = System.nanoTime() + line.path("timeoutMs").asLong(60_000) * 1_000_000;
            long count = 0;
            while (!consumer.assignment().containsAll(partitions) || partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                count += consumer.poll(Duration.ofMillis(100)).count();
                if (System.nanoTime() > deadline) throw new TimeoutException("the group " + line.get("group").asText() + " did not reach the end");
            }
            consumer.commitSync();
            ArrayNode committed = JsonLines.JSON.createArrayNode();
            consumer.committed(partitions).forEach((partition, offset) -> committed.addObject()
                .put("topic", partition.topic()).put("partition", partition.partition()).put("offset", offset == null ? -1 : offset.offset()));
            var answer = JsonLines.JSON.createObjectNode().put("count", count);
            answer.set("committed", committed);
            return answer;
        }
    }

    private Followers() { }
}
