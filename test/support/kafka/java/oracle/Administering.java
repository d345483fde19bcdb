import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AccessControlEntryFilter;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.quota.ClientQuotaFilterComponent;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** The administrator's side: topics, settings, log start, and moving leaders. Each command returns when the cluster really shows the change. */
final class Administering {
    private interface AdminCommand {
        JsonNode run(Admin admin, JsonNode line) throws Exception;
    }

    static void register(Map<String, JsonLines.Command> commands) {
        Map<String, AdminCommand> table = Map.of(
            "createTopic", Administering::createTopic,
            "deleteTopic", Administering::deleteTopic,
            "createPartitions", Administering::createPartitions,
            "deleteRecords", Administering::deleteRecords,
            "describeTopic", Administering::describeTopic,
            "describeConfigs", Administering::describeConfigs,
            "alterConfigs", Administering::alterConfigs,
            "allow", Administering::allow,
            "setQuota", Administering::setQuota,
            "moveLeader", Administering::moveLeader);
        table.forEach((name, command) -> commands.put(name, line -> {
            try (Admin admin = Admin.create(KafkaOracle.settings(line, Map.of()))) {
                return command.run(admin, line);
            }
        }));
    }

    private static String topic(JsonNode line) {
        return line.get("topic").asText();
    }

    private static TopicDescription describe(Admin admin, JsonNode line) throws Exception {
        return admin.describeTopics(List.of(topic(line))).allTopicNames().get().get(topic(line));
    }

    /** Any broker may be asked, and one whose metadata lags says of a topic that others know well that there is none. */
    private static TopicDescription describeCreated(Admin admin, JsonNode line) throws Exception {
        TopicDescription[] found = new TopicDescription[1];
        until("the topic's appearance", () -> {
            try {
                found[0] = describe(admin, line);
                return true;
            } catch (ExecutionException exception) {
                if (exception.getCause() instanceof UnknownTopicOrPartitionException) return false;
                throw exception;
            }
        });
        return found[0];
    }

    interface Check {
        boolean holds() throws Exception;
    }

    /** Brokers apply a change some moments after they acknowledged it, and have no call that waits for it. */
    static void until(String what, Check check) throws Exception {
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (!check.holds()) {
            if (System.nanoTime() > deadline) throw new TimeoutException(what + " did not happen within 60 s");
            Thread.sleep(50);
        }
    }

    private static JsonNode createTopic(Admin admin, JsonNode line) throws Exception {
        NewTopic topic;
        if (line.has("replicas")) {
            Map<Integer, List<Integer>> assignment = new HashMap<>();
            for (JsonNode replicas : line.get("replicas")) {
                List<Integer> ids = new ArrayList<>();
                replicas.forEach(id -> ids.add(id.asInt()));
                assignment.put(assignment.size(), ids);
            }
            topic = new NewTopic(topic(line), assignment);
        } else {
            Optional<Short> factor = line.has("replicationFactor") ? Optional.of((short) line.get("replicationFactor").asInt()) : Optional.empty();
            topic = new NewTopic(topic(line), Optional.of(line.path("partitions").asInt(1)), factor);
        }
        Map<String, String> configs = new HashMap<>();
        line.path("topicConfig").properties().forEach(entry -> configs.put(entry.getKey(), entry.getValue().asText()));
        admin.createTopics(List.of(topic.configs(configs))).all().get();
        awaitLeaders(admin, line, line.has("replicas") ? line.get("replicas").size() : line.path("partitions").asInt(1));
        return description(describeCreated(admin, line));
    }

    /** ListOffsets is answered by the leader itself, so it proves that leaders know they lead; metadata alone does not. */
    private static void awaitLeaders(Admin admin, JsonNode line, int partitions) throws Exception {
        until("a leader for every partition", () -> {
            TopicDescription description = describeCreated(admin, line);
            return description.partitions().size() == partitions && description.partitions().stream().noneMatch(info -> noNode(info.leader()));
        });
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        for (int partition = 0; partition < partitions; partition++) asked.put(new TopicPartition(topic(line), partition), OffsetSpec.latest());
        admin.listOffsets(asked).all().get();
    }

    private static boolean noNode(Node node) {
        return node == null || node.isEmpty();
    }

    private static JsonNode deleteTopic(Admin admin, JsonNode line) throws Exception {
        admin.deleteTopics(List.of(topic(line))).all().get();
        until("the deletion", () -> !admin.listTopics().names().get().contains(topic(line)));
        return NullNode.instance;
    }

    private static JsonNode createPartitions(Admin admin, JsonNode line) throws Exception {
        int total = line.get("total").asInt();
        admin.createPartitions(Map.of(topic(line), NewPartitions.increaseTo(total))).all().get();
        awaitLeaders(admin, line, total);
        return NullNode.instance;
    }

    private static JsonNode deleteRecords(Admin admin, JsonNode line) throws Exception {
        TopicPartition partition = new TopicPartition(topic(line), line.get("partition").asInt());
        var deleted = admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(line.get("before").asLong())));
        return JsonLines.JSON.createObjectNode().put("lowWatermark", deleted.lowWatermarks().get(partition).get().lowWatermark());
    }

    private static JsonNode describeTopic(Admin admin, JsonNode line) throws Exception {
        return description(describe(admin, line));
    }

    private static ObjectNode description(TopicDescription description) {
        ObjectNode json = JsonLines.JSON.createObjectNode().put("topicId", description.topicId().toString());
        ArrayNode partitions = json.putArray("partitions");
        for (TopicPartitionInfo info : description.partitions()) {
            ObjectNode partition = partitions.addObject().put("partition", info.partition()).put("leader", noNode(info.leader()) ? -1 : info.leader().id());
            ids(partition.putArray("replicas"), info.replicas());
            ids(partition.putArray("isr"), info.isr());
        }
        return json;
    }

    private static void ids(ArrayNode list, Collection<Node> nodes) {
        nodes.forEach(node -> list.add(node.id()));
    }

    private static ConfigResource resource(JsonNode line) {
        return line.has("broker")
            ? new ConfigResource(ConfigResource.Type.BROKER, line.get("broker").asText())
            : new ConfigResource(ConfigResource.Type.TOPIC, topic(line));
    }

    private static JsonNode describeConfigs(Admin admin, JsonNode line) throws Exception {
        Map<String, String> sorted = new TreeMap<>();
        admin.describeConfigs(Set.of(resource(line))).all().get().get(resource(line)).entries().forEach(entry -> sorted.put(entry.name(), entry.value()));
        return JsonLines.JSON.valueToTree(sorted);
    }

    private static JsonNode alterConfigs(Admin admin, JsonNode line) throws Exception {
        List<AlterConfigOp> operations = new ArrayList<>();
        line.get("set").properties().forEach(entry -> operations.add(new AlterConfigOp(
            new ConfigEntry(entry.getKey(), entry.getValue().asText()),
            entry.getValue().isNull() ? AlterConfigOp.OpType.DELETE : AlterConfigOp.OpType.SET)));
        admin.incrementalAlterConfigs(Map.of(resource(line), operations)).all().get();
        return NullNode.instance;
    }

    private static JsonNode allow(Admin admin, JsonNode line) throws Exception {
        ResourceType type = ResourceType.fromString(line.get("resource").asText());
        ResourcePattern pattern = new ResourcePattern(type, line.get("name").asText(), PatternType.LITERAL);
        List<AclBinding> bindings = new ArrayList<>();
        for (JsonNode operation : line.get("operations")) {
            bindings.add(new AclBinding(pattern, new AccessControlEntry(
                line.get("principal").asText(), "*", AclOperation.fromString(operation.asText()), AclPermissionType.ALLOW)));
        }
        admin.createAcls(bindings).all().get();
        AclBindingFilter filter = new AclBindingFilter(pattern.toFilter(), AccessControlEntryFilter.ANY);
        until("the right", () -> admin.describeAcls(filter).values().get().containsAll(bindings));
        return NullNode.instance;
    }

    private static JsonNode setQuota(Admin admin, JsonNode line) throws Exception {
        ClientQuotaEntity client = new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, line.get("clientId").asText()));
        Double rate = line.get("bytesPerSecond").isNull() ? null : line.get("bytesPerSecond").asDouble();
        List<ClientQuotaAlteration.Op> operations = new ArrayList<>();
        for (String name : List.of("producer_byte_rate", "consumer_byte_rate")) operations.add(new ClientQuotaAlteration.Op(name, rate));
        admin.alterClientQuotas(List.of(new ClientQuotaAlteration(client, operations))).all().get();
        until("the quota", () -> {
            var found = admin.describeClientQuotas(ClientQuotaFilter.containsOnly(List.of(
                ClientQuotaFilterComponent.ofEntity(ClientQuotaEntity.CLIENT_ID, line.get("clientId").asText())))).entities().get();
            return rate == null ? found.isEmpty() : found.containsKey(client);
        });
        return NullNode.instance;
    }

    /** Makes the broker the preferred replica, then has the preferred replica elected. */
    private static JsonNode moveLeader(Admin admin, JsonNode line) throws Exception {
        int target = line.get("toBroker").asInt();
        int number = line.get("partition").asInt();
        TopicPartition partition = new TopicPartition(topic(line), number);
        List<Integer> replicas = new ArrayList<>(describeCreated(admin, line).partitions().get(number).replicas().stream().map(Node::id).toList());
        int size = replicas.size();
        replicas.removeIf(id -> id == target);
        replicas.add(0, target);
        admin.alterPartitionReassignments(Map.of(partition, Optional.of(new NewPartitionReassignment(replicas.subList(0, size))))).all().get();
        until("the reassignment", () -> admin.listPartitionReassignments(Set.of(partition)).reassignments().get().isEmpty());
        until("the election of broker " + target, () -> {
            TopicPartitionInfo info = describeCreated(admin, line).partitions().get(number);
            if (!noNode(info.leader()) && info.leader().id() == target) return true;
            Optional<Throwable> refused = admin.electLeaders(ElectionType.PREFERRED, Set.of(partition)).partitions().get().getOrDefault(partition, Optional.empty());
            // Its own metadata lags behind the election, and a replica that is catching up cannot be elected yet.
            return refused.isPresent() && refused.get() instanceof ElectionNotNeededException;
        });
        return NullNode.instance;
    }

    private Administering() { }
}
