"""What every JSON endpoint of ours needs: reading, refusing, paging and documentation."""
