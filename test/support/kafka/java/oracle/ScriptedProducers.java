import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.UnsupportedVersionException;

/** Producers with a name that live from one command to another, so that a script can interleave their transactions, leave them open and let them die. */
final class ScriptedProducers {
    private static final Map<String, KafkaProducer<byte[], byte[]>> OPEN = new ConcurrentHashMap<>();

    private static final Set<TransactionState> ENDED = Set.of(TransactionState.COMPLETE_ABORT, TransactionState.COMPLETE_COMMIT, TransactionState.EMPTY);

    private interface Act {
        void on(KafkaProducer<byte[], byte[]> producer);
    }

    private static final Map<String, Act> ACTS = Map.of(
        "begin", KafkaProducer::beginTransaction,
        "commit", KafkaProducer::commitTransaction,
        "abort", KafkaProducer::abortTransaction,
        // A close that may take its time would abort the open transaction.
        "die", producer -> producer.close(Duration.ZERO),
        "close", KafkaProducer::close);

    static void register(Map<String, JsonLines.Command> commands) {
        commands.put("openProducer", ScriptedProducers::open);
        commands.put("sendScripted", ScriptedProducers::send);
        commands.put("awaitExpired", ScriptedProducers::awaitExpired);
        ACTS.forEach((name, act) -> commands.put(name + "Scripted", line -> {
            boolean last = name.equals("die") || name.equals("close");
            String producer = line.get("producer").asText();
            act.on(last ? OPEN.remove(producer) : OPEN.get(producer));
            return NullNode.instance;
        }));
    }

    private static JsonNode open(JsonNode line) {
        boolean transactional = line.hasNonNull("transactionalId");
        Map<String, String> ours = transactional ? Map.of("transactional.id", line.get("transactionalId").asText()) : Map.of();
        KafkaProducer<byte[], byte[]> producer = Producing.producer(line, ours);
        // Fences an older producer of the same id and aborts what it left open.
        if (transactional) producer.initTransactions();
        OPEN.put(line.get("producer").asText(), producer);
        return NullNode.instance;
    }

    /** Resolves when every record is acknowledged. */
    private static JsonNode send(JsonNode line) throws Exception {
        KafkaProducer<byte[], byte[]> producer = OPEN.get(line.get("producer").asText());
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (JsonNode given : line.get("records")) sent.add(producer.send(Producing.record(given.get("topic").asText(), given)));
        producer.flush();
        for (Future<RecordMetadata> future : sent) future.get();
        return NullNode.instance;
    }

    /** Resolves when the coordinator has ended the transaction of a producer that died: it does so after the transaction's timeout. */
    private static JsonNode awaitExpired(JsonNode line) throws Exception {
        String id = line.get("transactionalId").asText();
        try (Admin admin = Admin.create(KafkaOracle.settings(line, Map.of()))) {
            Administering.until("the end of the transaction of " + id, () ->
                ENDED.contains(admin.describeTransactions(List.of(id)).description(id).get().state()));
        } catch (ExecutionException exception) {
            if (!(exception.getCause() instanceof UnsupportedVersionException)) throw exception;
            // Brokers before 3.0 do not tell: the next producer of that id ends it there, or waits for the end.
            try (KafkaProducer<byte[], byte[]> next = Producing.producer(line, Map.of("transactional.id", id))) {
                next.initTransactions();
            }
        }
        return NullNode.instance;
    }

    private ScriptedProducers() { }
}
