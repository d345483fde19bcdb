import com.fasterxml.jackson.databind.JsonNode;
import java.util.HexFormat;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.coordinator.group.generated.ConsumerGroupMetadataKey;
import org.apache.kafka.coordinator.group.generated.GroupMetadataKey;
import org.apache.kafka.coordinator.group.generated.LegacyOffsetCommitKey;
import org.apache.kafka.coordinator.group.generated.LegacyOffsetCommitKeyJsonConverter;
import org.apache.kafka.coordinator.group.generated.LegacyOffsetCommitValue;
import org.apache.kafka.coordinator.group.generated.LegacyOffsetCommitValueJsonConverter;
import org.apache.kafka.coordinator.group.generated.OffsetCommitKey;
import org.apache.kafka.coordinator.group.generated.OffsetCommitKeyJsonConverter;
import org.apache.kafka.coordinator.group.generated.OffsetCommitValue;
import org.apache.kafka.coordinator.group.generated.OffsetCommitValueJsonConverter;

/** Has Kafka's own classes write records of __consumer_offsets; one line for each: what it is, its bytes in hex, and what Kafka says is in it. */
public final class GroupRecords {
    public static void main(String[] args) {
        String[] groups = {"g", "", "Gruppe \u00e4\u00f6\u00fc \u7d44", "a/b:c"};
        for (int i = 0; i < groups.length; i++) {
            LegacyOffsetCommitKey old = new LegacyOffsetCommitKey().setGroup(groups[i]).setTopic("orders").setPartition(i);
            key("v0", old, LegacyOffsetCommitKeyJsonConverter.write(old, (short) 0));
            OffsetCommitKey key = new OffsetCommitKey().setGroup(groups[i]).setTopic("orders").setPartition(Integer.MAX_VALUE - i);
            key("v1", key, OffsetCommitKeyJsonConverter.write(key, (short) 0));
        }
        key("of a group", new GroupMetadataKey().setGroup("g"), null);
        key("of a group of KIP-848", new ConsumerGroupMetadataKey().setGroupId("g"), null);
        LegacyOffsetCommitValue old = new LegacyOffsetCommitValue().setOffset(41).setMetadata("kept").setCommitTimestamp(1_700_000_000_000L);
        value("v0 as 0.8.2 wrote it", (short) 0, old, LegacyOffsetCommitValueJsonConverter.write(old, (short) 0));
        for (short version = 0; version <= 4; version++) {
            value("v" + version, version, new OffsetCommitValue().setOffset(9_007_199_254_740_991L).setLeaderEpoch(7).setMetadata("kept: \u00e4")
                .setCommitTimestamp(1_700_000_000_000L).setExpireTimestamp(version == 1 ? 1_700_000_600_000L : -1)
                .setTopicId(version < 4 ? Uuid.ZERO_UUID : Uuid.fromString("AAAAAAAAAAEAAAAAAAAAAg")));
            value("v" + version + " with defaults", version, new OffsetCommitValue());
        }
        value("v3 with much metadata", (short) 3, new OffsetCommitValue().setOffset(-5).setMetadata("x".repeat(300)).setCommitTimestamp(1));
    }

    private static void key(String name, ApiMessage key, JsonNode json) {
        print("key", name, MessageUtil.toCoordinatorTypePrefixedBytes(key), json);
    }

    private static void value(String name, short version, OffsetCommitValue value) {
        value(name, version, value, OffsetCommitValueJsonConverter.write(value, version));
    }

    private static void value(String name, short version, ApiMessage value, JsonNode json) {
        print("value", name, MessageUtil.toVersionPrefixedBytes(version, value), json);
    }

    private static void print(String kind, String name, byte[] bytes, JsonNode json) {
        System.out.println(String.join("\t", kind, name, HexFormat.of().formatHex(bytes), String.valueOf(json)));
    }

    private GroupRecords() { }
}
