import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.Map;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/** Kafka's generated message classes behind JSON lines: JSON to wire bytes and back, for every API and version they know. */
public final class WireOracle {
    private static final HexFormat HEX = HexFormat.of();
    private static final String INT64 = "$int64";
    private static final String BYTES = "$bytes";

    public static void main(String[] args) throws Exception {
        JsonLines.serve(Map.of("encode", WireOracle::encode, "decode", WireOracle::decode, "apis", line -> apis(),
            "errors", line -> errors()), Runnable::run);
    }

    private static ArrayNode apis() {
        ArrayNode list = JsonLines.JSON.createArrayNode();
        for (ApiMessageType type : ApiMessageType.values()) {
            list.addObject().put("apiKey", type.apiKey()).put("name", type.name)
                .put("minVersion", type.lowestSupportedVersion())
                .put("maxVersion", type.highestSupportedVersion(true))
                .put("maxStableVersion", type.highestSupportedVersion(false));
        }
        return list;
    }

    private static ArrayNode errors() {
        ArrayNode list = JsonLines.JSON.createArrayNode();
        for (Errors error : Errors.values()) {
            list.addObject().put("code", error.code()).put("name", error.name())
                .put("retriable", error.exception() instanceof RetriableException)
                .put("refresh", hasAncestor(error.exception(), "RefreshRetriableException"));
        }
        return list;
    }

    /** By name: the class is not in every release these sources are compiled against. */
    private static boolean hasAncestor(Throwable exception, String name) {
        for (Class<?> type = exception == null ? null : exception.getClass(); type != null; type = type.getSuperclass()) {
            if (type.getSimpleName().equals(name)) return true;
        }
        return false;
    }

    private static JsonNode encode(JsonNode line) throws Exception {
        ApiMessageType type = ApiMessageType.fromApiKey((short) line.get("apiKey").asInt());
        short version = (short) line.get("version").asInt();
        boolean request = line.get("kind").asText().equals("request");
        ApiMessage blank = request ? type.newRequest() : type.newResponse();
        Message body = (Message) converter(blank).getMethod("read", JsonNode.class, short.class).invoke(null, untag(line.get("json")), version);
        StringBuilder hex = new StringBuilder();
        JsonNode header = line.path("header");
        if (header.isObject()) {
            int correlationId = header.get("correlationId").asInt();
            hex.append(HEX.formatHex(request
                ? bytes(new RequestHeaderData().setRequestApiKey(type.apiKey()).setRequestApiVersion(version).setCorrelationId(correlationId)
                    .setClientId(header.hasNonNull("clientId") ? header.get("clientId").asText() : null), type.requestHeaderVersion(version))
                : bytes(new ResponseHeaderData().setCorrelationId(correlationId), type.responseHeaderVersion(version))));
        }
        return JsonLines.JSON.createObjectNode().put("hex", hex.append(HEX.formatHex(bytes(body, version))).toString());
    }

    private static byte[] bytes(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        return buffer.array();
    }

    private static JsonNode decode(JsonNode line) throws Exception {
        ApiMessageType type = ApiMessageType.fromApiKey((short) line.get("apiKey").asInt());
        short version = (short) line.get("version").asInt();
        boolean request = line.get("kind").asText().equals("request");
        ByteBuffer buffer = ByteBuffer.wrap(HEX.parseHex(line.get("hex").asText()));
        ByteBufferAccessor reader = new ByteBufferAccessor(buffer);
        ObjectNode result = JsonLines.JSON.createObjectNode();
        if (line.path("header").asBoolean(false)) {
            ObjectNode header = result.putObject("header");
            if (request) {
                RequestHeaderData data = new RequestHeaderData(reader, type.requestHeaderVersion(version));
                header.put("correlationId", data.correlationId()).put("clientId", data.clientId());
            } else {
                header.put("correlationId", new ResponseHeaderData(reader, type.responseHeaderVersion(version)).correlationId());
            }
        }
        ApiMessage body = request ? type.newRequest() : type.newResponse();
        body.read(reader, version);
        if (buffer.hasRemaining()) throw new IllegalArgumentException(buffer.remaining() + " bytes are left after the message");
        JsonNode json = (JsonNode) converter(body).getMethod("write", body.getClass(), short.class).invoke(null, body, version);
        fillRecords(body, json);
        result.set("json", tag(json));
        return result;
    }

    private static Class<?> converter(ApiMessage message) throws ClassNotFoundException {
        return Class.forName(message.getClass().getName() + "JsonConverter");
    }

    /** The converters write record sets as an empty value; the message still has them. */
    private static void fillRecords(Object data, JsonNode json) throws ReflectiveOperationException {
        if (json.isArray()) {
            Iterator<?> items = ((Iterable<?>) data).iterator();
            for (JsonNode child : json) fillRecords(items.next(), child);
        } else if (json.isObject()) {
            for (Map.Entry<String, JsonNode> field : json.properties()) {
                JsonNode child = field.getValue();
                if (child.isBinary() && field.getKey().toLowerCase().endsWith("records")) {
                    field.setValue(BinaryNode.valueOf(recordBytes(accessor(data, field.getKey()))));
                } else if (child.isObject() || (child.isArray() && child.size() > 0 && child.get(0).isContainerNode())) {
                    fillRecords(accessor(data, field.getKey()), child);
                }
            }
        }
    }

    private static Object accessor(Object data, String field) throws ReflectiveOperationException {
        return data.getClass().getMethod(field).invoke(data);
    }

    private static byte[] recordBytes(Object records) throws ReflectiveOperationException {
        // By reflection: the record classes changed their package in 4.4.
        ByteBuffer buffer = (ByteBuffer) records.getClass().getMethod("buffer").invoke(records);
        byte[] content = new byte[buffer.remaining()];
        buffer.duplicate().get(content);
        return content;
    }

    /** Marks what JSON cannot carry into JavaScript: 64-bit integers and bytes. */
    private static JsonNode tag(JsonNode node) {
        if (node.isLong()) return JsonLines.JSON.createObjectNode().put(INT64, node.asText());
        if (node.isBinary()) return JsonLines.JSON.createObjectNode().put(BYTES, node.asText());
        if (node.isArray()) {
            ArrayNode array = JsonLines.JSON.createArrayNode();
            node.forEach(item -> array.add(tag(item)));
            return array;
        }
        if (!node.isObject()) return node;
        ObjectNode object = JsonLines.JSON.createObjectNode();
        for (Map.Entry<String, JsonNode> field : node.properties()) object.set(field.getKey(), tag(field.getValue()));
        return object;
    }

    private static JsonNode untag(JsonNode node) throws IOException {
        if (node.has(INT64)) return LongNode.valueOf(Long.parseLong(node.get(INT64).asText()));
        if (node.has(BYTES)) return BinaryNode.valueOf(node.get(BYTES).binaryValue());
        if (node.isArray()) {
            ArrayNode array = JsonLines.JSON.createArrayNode();
            for (JsonNode item : node) array.add(untag(item));
            return array;
        }
        if (!node.isObject()) return node;
        ObjectNode object = JsonLines.JSON.createObjectNode();
        for (Map.Entry<String, JsonNode> field : node.properties()) object.set(field.getKey(), untag(field.getValue()));
        return object;
    }

    private WireOracle() { }
}
