import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Executors;

/** Kafka's own Java clients behind JSON lines: what they write and read is what everything else is compared with. */
public final class KafkaOracle {
    public static void main(String[] args) throws Exception {
        Map<String, JsonLines.Command> commands = new HashMap<>();
        Producing.register(commands);
        Consuming.register(commands);
        ScriptedProducers.register(commands);
        Views.register(commands);
        Followers.register(commands);
        Administering.register(commands);
        JsonLines.serve(commands, Executors.newCachedThreadPool());
    }

    /** The client settings of a line: its bootstrap addresses and, over ours, its own "config". */
    static Properties settings(JsonNode line, Map<String, String> ours) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", line.get("bootstrap").asText());
        properties.putAll(ours);
        line.path("config").properties().forEach(entry -> properties.put(entry.getKey(), entry.getValue().asText()));
        return properties;
    }

    private KafkaOracle() { }
}
