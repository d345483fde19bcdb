import java.util.Map;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.server.policy.CreateTopicPolicy;

/** Refuses topics whose name begins with `forbidden`, as the policies of real clusters refuse what they do not like. */
public final class NamePolicy implements CreateTopicPolicy {
    @Override
    public void configure(Map<String, ?> configs) { }

    @Override
    public void validate(RequestMetadata request) {
        if (request.topic().startsWith("forbidden")) throw new PolicyViolationException("topics here are not called " + request.topic());
    }

    @Override
    public void close() { }
}
